#!/usr/bin/env bash
# What a language model's settings matter on texts from 10 kB to 3 MB, in alphabets and Han: the recipe, the plain
# defaults (--preset none) and other dropouts; one core, seed 1, MINUTES=2 each. The best validation of each.
set -euo pipefail
cd "$(dirname "$0")/../.."
data=${DATA:-../shared/data}
tool=${TOOL:-.build/release/majortom}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# row TEXT [OPTION...]
row() {
  local text=$1
  shift
  echo "$(basename "$text"), ${*:-no option}: $("$tool" train lm "$text" -o "$folder/m.safetensors" --overwrite \
    --seed 1 --threads 1 --patience 0 --minutes "${MINUTES:-2}" "$@" 2>&1 | grep '^best validation')"
}

# Short texts: what the recipe chose before, that with a higher rate, and what it chooses now (MINUTES=0.75).
short=(--steps 128 --dropout 0.4)
# The ship's log had one volume then.
head -c 137763 corpora/ships-log.txt > "$folder/ships-log.txt"
for text in "$folder/ships-log.txt" "$data/lm-ja-kokoro/kokoro.txt"; do
  row "$text" "${short[@]}" --rate 0.003
  row "$text" "${short[@]}" --rate 0.005
  row "$text"
done
row "$data/lm-udhr-multiscript/udhr_eng.txt" --rate 0.003

for text in lm-udhr-multiscript/udhr_eng.txt lm-ja-kokoro/kokoro.txt lm-tinyshakespeare/input.txt \
  lm-ru-tolstoy/voskresenie.txt lm-zh-tang-poems/tang_poems.txt lm-gutenberg-en/war_and_peace.txt; do
  row "$data/$text"
  row "$data/$text" --preset none
  row "$data/$text" --dropout 0.3
done
