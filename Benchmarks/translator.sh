#!/usr/bin/env bash
# The translator against known answers and against PyTorch: translator.sh numbers | dates | tatoeba SECONDS [OPTION...]
# OPTIONs are added to those of the training; on Tatoeba with ONLY=majortom PyTorch does not train, and only writes its split.
# With FOLDER, all that is made stays there; TOOL is the majortom to use.
# dates and tatoeba need ../shared/data (DATA); tatoeba needs ../shared/baselines and PYTHON with torch and sacrebleu.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${DATA:-../shared/data}
tool=${TOOL:-.build/release/majortom}
if [ -z "${FOLDER:-}" ]; then
  FOLDER=$(mktemp -d)
  trap 'rm -rf "$FOLDER"' EXIT
fi
folder=$FOLDER

task=${1:-numbers}
shift $(($# < 1 ? $# : 1))
case $task in
  numbers)
    "$tool" corpus numbers --from en --to fr --count 26000 --split "$folder" --dev 1000 --test 5000
    "$tool" train translator "$folder/train.tsv" --dev "$folder/dev.tsv" -o "$folder/m" --minutes 3 --threads 1 "$@"
    "$tool" evaluate -m "$folder/m" "$folder/test.tsv" ;;
  dates)
    # Distinct sources without their padding; 5,000 to test, 1,000 to choose by.
    sed 's/ *_/\t/' "$data/mt-dates/date.txt" | sort -u | sort -t "$(printf '\t')" -u -k1,1 \
      | shuf --random-source=<(yes) > "$folder/all.tsv"
    head -n 5000 "$folder/all.tsv" > "$folder/test.tsv"
    sed -n '5001,6000p' "$folder/all.tsv" > "$folder/dev.tsv"
    tail -n +6001 "$folder/all.tsv" > "$folder/train.tsv"
    "$tool" train translator "$folder/train.tsv" --dev "$folder/dev.tsv" -o "$folder/m" --minutes 2 --threads 1 "$@"
    "$tool" evaluate -m "$folder/m" "$folder/test.tsv" ;;
  tatoeba)
    seconds=${1:-600}
    shift $(($# < 1 ? $# : 1))
    if [ "${ONLY:-}" = majortom ]; then torch=1; else torch=$seconds; fi
    ${PYTHON:-python3} "$data/../baselines/torch_translate.py" "$torch" 256 64 "$folder"
    minutes=$(awk "BEGIN { print $seconds / 60 }")
    "$tool" train translator "$folder/train.tsv" -o "$folder/m" --overwrite --unit word --min-count 1 \
      --source-max-size 10256 --target-max-size 15256 --cutoffs 2000 --validation 0.005 --minutes "$minutes" \
      --hidden 256 --embedding 256 --dropout 0.3 --precision bf16 --patience 0 "$@"
    for beam in 1 5; do
      echo "== beam $beam"
      time "$tool" translate -m "$folder/m" --batch 5000 --beam $beam < "$folder/test.en" > "$folder/out.$beam"
      references=()
      for file in "$folder"/test.fr.*; do references+=(--reference "$file"); done
      "$tool" score --tokens none "${references[@]}" "$folder/out.$beam"
    done ;;
  *) echo "translator.sh numbers | dates | tatoeba SECONDS [OPTION...]" >&2; exit 2 ;;
esac
