#!/usr/bin/env bash
# The tagger on published data, three seeds each: tagger.sh ewt | wnut [OPTION...] | names | speed
# ewt and wnut train on ../shared/data (DATA), and print each seed's figure on the test data and the mean.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${DATA:-../shared/data}
tool=.build/release/majortom
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
what=${1:-ewt}
shift || true

# seeds TRAIN DEV TEST [OPTION...]: one line a seed, then the mean and the deviation.
seeds() {
  local train=$1 dev=$2 test=$3
  shift 3
  for seed in 1 2 3; do
    start=$(date +%s)
    "$tool" train tagger "$train" --dev "$dev" -o "$folder/m" --overwrite -q --seed $seed "$@"
    seconds=$(($(date +%s) - start))
    "$tool" evaluate -m "$folder/m" "$test" --json | sed "s/^{/{\"seed\":$seed,\"training_seconds\":$seconds,/"
  done | tee "$folder/lines"
  python3 - "$folder/lines" <<'PYTHON'
import json, statistics, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
key = "f1" if "f1" in rows[0] else "accuracy"
values = [100 * row[key] for row in rows]
print(f"{key}: mean {statistics.mean(values):.2f}, deviation {statistics.stdev(values):.2f}")
PYTHON
}

case $what in
  ewt)
    seeds "$data"/tag-ud-en-ewt/en_ewt-ud-{train,dev,test}.conllu --epochs 10 "$@" ;;
  wnut)
    seeds "$data"/tag-wnut17/{wnut17train.conll,emerging.dev.conll,emerging.test.annotated} \
      --epochs 20 --patience 0 "$@" ;;
  names)
    for direction in "" --forward-only; do
      "$tool" train tagger corpora/names/train.conll --dev corpora/names/dev.conll -o "$folder/m" \
        --overwrite -q --epochs 30 --patience 0 $direction
      for part in test contrast; do
        echo "== ${direction:-both directions}: $part"
        "$tool" evaluate -m "$folder/m" corpora/names/$part.conll
      done
    done ;;
  speed)
    # Flair's network of the same sizes, then ours, in one run. PYTHON has flair.
    ${PYTHON:-python3} "$data"/../baselines/flair_tagger.py 2 | tail -2
    train=$data/tag-wnut17/wnut17train.conll
    "$tool" train tagger "$train" --dev "$data"/tag-wnut17/emerging.dev.conll -o "$folder/m" --json \
      --epochs 2 --batch 32 --min-count 2 --shapes 0 --character-size 25 --character-features 50 \
      --characters lstm | tail -1
    for i in 1 2 3 4 5 6 7 8 9 10; do cut -f1 "$data"/tag-wnut17/emerging.test.annotated; done \
      | awk 'NF { line = line " " $1; next } { print line; line = "" }' > "$folder/lines"
    words=$(wc -w < "$folder/lines")
    start=$(date +%s.%N)
    "$tool" tag -m "$folder/m" --tokenized --batch 1000 --format conll < "$folder/lines" > /dev/null
    echo "tag: $(echo "$words / ($(date +%s.%N) - $start)" | bc) words/s, start and reading included" ;;
  *) echo "tagger.sh ewt | wnut [OPTION...] | names | speed" >&2; exit 2 ;;
esac
