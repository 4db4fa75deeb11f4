#!/usr/bin/env bash
# What the settings of a tagger matter on 500 and 3,000 sentences of UD English EWT and on WNUT-17: no option, and less
# dropout; one core, seed 1. Accuracy, or F1, of the development data.
set -euo pipefail
cd "$(dirname "$0")/../.."
data=${DATA:-../shared/data}
tool=${TOOL:-.build/release/majortom}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ewt=$data/tag-ud-en-ewt/en_ewt-ud
for count in 500 3000; do
  awk -v count=$count 'BEGIN { RS = ""; ORS = "\n\n" } NR <= count' "$ewt-train.conllu" > "$folder/$count.conllu"
done

# row TRAIN DEV MINUTES [OPTION...]
row() {
  local train=$1 dev=$2 minutes=$3
  shift 3
  echo "$(basename "$train"), $minutes min, ${*:-no option}: $("$tool" train tagger "$train" --dev "$dev" \
    -o "$folder/m.safetensors" --overwrite --seed 1 --threads 1 --patience 0 --minutes "$minutes" "$@" 2>&1 \
    | grep '^best validation')"
}

for less in "" "--dropout 0.3 --dropout-inputs 0.3"; do
  row "$folder/500.conllu" "$ewt-dev.conllu" 1 $less
  row "$folder/3000.conllu" "$ewt-dev.conllu" 1.5 $less
  row "$data/tag-wnut17/wnut17train.conll" "$data/tag-wnut17/emerging.dev.conll" 1.5 $less
done
