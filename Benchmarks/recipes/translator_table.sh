#!/usr/bin/env bash
# The table by which the translator's recipes are chosen: six kinds of pairs, from digits to sentences of 25 words,
# each with no option and with other settings, ten minutes on one core and one seed (MINUTES=10).
# translator_table.sh [KIND...]; BLEU (greedy, mixed case) of the development data, by which one may choose,
# and of the test data, by which one may not.
set -euo pipefail
cd "$(dirname "$0")/../.."
tool=${TOOL:-.build/release/majortom}
minutes=${MINUTES:-10}
folder=${FOLDER:-$(mktemp -d)}
[ -n "${FOLDER:-}" ] || trap 'rm -rf "$folder"' EXIT
TOOL=$tool python3 Benchmarks/recipes/translator_kinds.py "$folder" "${DATA:-../shared/data}"

bleu() { "$tool" evaluate -m "$1" "$2" --threads 1 2>/dev/null | sed -n 's/^BLEU[^=]*= \([0-9.]*\).*/\1/p'; }

# row KIND [OPTION...]
row() {
  local kind=$1
  shift
  "$tool" train translator "$folder/$kind/train.tsv" --dev "$folder/$kind/dev.tsv" -o "$folder/m.safetensors" \
    --overwrite -q --seed 1 --threads 1 --minutes "$minutes" "$@" 2>/dev/null
  echo "$kind | ${*:-no option} | $(bleu "$folder/m.safetensors" "$folder/$kind/dev.tsv") | $(bleu "$folder/m.safetensors" "$folder/$kind/test.tsv") | $("$tool" info "$folder/m.safetensors" | sed -n 's/^trained: //p')"
}

echo "kind | options | BLEU, dev | BLEU, test | trained"
for kind in "${@:-numbers}"; do
  row "$kind"
  case $kind in
    numbers | dates)
      row "$kind" --attention general
      row "$kind" --preset none ;;
    sentences-*) row "$kind" --attention general --embedding 128 --cutoffs 1500 ;;
    *)
      row "$kind" --attention general
      row "$kind" --unit subword --joint --max-size 8192 ;;
  esac
done
