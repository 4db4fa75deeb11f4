#!/usr/bin/env bash
# Words of scripts without spaces: F1 of UD Thai-PUD in 5 folds, and of UNER Chinese-GSD's test data, each
# beside ICU alone (a tagger of a single word, whose data adapt nothing). And F1 of tokens of WNUT-17, whose files do not say where spaces were: 9/10 of the training
# data against the tenth part, the spaces guessed. Seed 1.
set -euo pipefail
cd "$(dirname "$0")/../.."
data=${DATA:-../shared/data}
tool=${TOOL:-.build/release/majortom}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# words TRAIN TEST LOCALE [OPTION...]: the F1 of words; the network of the tagger itself is left alone.
words() {
  local train=$1 test=$2 locale=$3
  shift 3
  "$tool" train tagger "$train" -o "$folder/m.safetensors" --overwrite -q --seed 1 --updates 1 \
    --hidden 8 --locale "$locale" --threads "${THREADS:-1}" "$@"
  "$tool" evaluate -m "$folder/m.safetensors" "$test" --raw --json "$@" | grep '"Words"' \
    | sed 's/.*"f1":\([0-9.]*\).*/\1/'
}

python3 - "$data" "$folder" <<'PYTHON'
import sys

data, folder = sys.argv[1:]


def blocks(path):
    return [block + "\n\n" for block in open(path, encoding="utf-8").read().split("\n\n") if block.strip()]


def write(name, blocks):
    open(f"{folder}/{name}", "w", encoding="utf-8").writelines(blocks)


thai = blocks(f"{data}/tag-ud-th-pud/th_pud-ud-test.conllu")
for fold in range(5):
    write(f"thai-{fold}.test.conllu", thai[fold::5])
    write(f"thai-{fold}.train.conllu", [block for place, block in enumerate(thai) if place % 5 != fold])
write("thai.none.tsv", ["a\tNOUN\n"])
write("chinese.none.tsv", ["1\ta\tB-PER\n"])
wnut = blocks(f"{data}/tag-wnut17/wnut17train.conll")
write("wnut.test", wnut[9::10])
write("wnut.train", [block for place, block in enumerate(wnut) if place % 10 != 9])
PYTHON

for fold in 0 1 2 3 4; do
  alone=$(words "$folder/thai.none.tsv" "$folder/thai-$fold.test.conllu" th)
  own=$(words "$folder/thai-$fold.train.conllu" "$folder/thai-$fold.test.conllu" th)
  echo "Thai fold $fold: ICU $alone, learnt $own"
  echo "$alone $own" >> "$folder/thai"
done
awk '{ a += $1; b += $2 } END { printf "Thai, mean of 5 folds: ICU %.4f, learnt %.4f\n", a / NR, b / NR }' \
  "$folder/thai"
gsd=("$data/tag-uner-zh-gsd/zh_gsd-ud-train.iob2" "$data/tag-uner-zh-gsd/zh_gsd-ud-test.iob2")
columns=(--token-column 2 --column 3)
echo "Chinese GSD: ICU $(words "$folder/chinese.none.tsv" "${gsd[1]}" zh-Hant "${columns[@]}"), learnt $(
  words "${gsd[@]}" zh-Hant "${columns[@]}")"
echo "WNUT-17, tokens: $(words "$folder/wnut.train" "$folder/wnut.test" en --repair-tags)"
