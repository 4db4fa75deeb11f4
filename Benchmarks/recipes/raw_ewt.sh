#!/usr/bin/env bash
# Raw text, UD English EWT: Tokens, Sentences, Words and UPOS of the test data's own text, as the CoNLL-2018
# shared task counts them, and the accuracy on its own words. Seed 1; settings were chosen on the dev data.
# The last lines say how fast the same text is tagged from its words and from nothing but the text.
set -euo pipefail
cd "$(dirname "$0")/../.."
data=${DATA:-../shared/data}/tag-ud-en-ewt
tool=${TOOL:-.build/release/majortom}
threads=${THREADS:-1}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
start=$(date +%s)
"$tool" train tagger "$data/en_ewt-ud-train.conllu" --dev "$data/en_ewt-ud-dev.conllu" \
  -o "$folder/m" --overwrite -q --seed 1 --epochs 10 --threads "$threads"
echo "training: $(($(date +%s) - start)) s on $threads thread(s)"
"$tool" evaluate -m "$folder/m" "$data/en_ewt-ud-test.conllu" --raw --threads "$threads"
"$tool" evaluate -m "$folder/m" "$data/en_ewt-ud-test.conllu" --threads "$threads"
python3 - "$data/en_ewt-ud-test.conllu" "$folder" <<'PYTHON'
import sys

# Ten times the test data, as paragraphs and as sentences whose words are parted by spaces.
paragraphs, paragraph, sentences, words = [], "", [], []
for line in open(sys.argv[1], encoding="utf-8"):
    line = line.rstrip("\n")
    if line.startswith(("# newpar", "# newdoc")) and paragraph:
        paragraphs.append(paragraph)
        paragraph = ""
    elif line.startswith("# text = "):
        paragraph += line[9:] + " "
    elif line and line[0].isdigit() and line.split("\t")[0].isdigit():
        words.append(line.split("\t")[1].replace(" ", "_"))
    elif not line and words:
        sentences.append(" ".join(words))
        words = []
paragraphs.append(paragraph)
open(sys.argv[2] + "/raw.txt", "w").write("\n\n".join(paragraphs * 10) + "\n")
open(sys.argv[2] + "/words.txt", "w").write("\n".join(sentences * 10) + "\n")
PYTHON
count=$(wc -w < "$folder/words.txt")
for kind in words raw words raw; do
  options=(--batch 1000 --threads "$threads" --format conll)
  [ $kind = words ] && options+=(--tokenized)
  start=$(date +%s.%N)
  "$tool" tag -m "$folder/m" "${options[@]}" < "$folder/$kind.txt" > /dev/null
  echo "tagging from $kind: $(echo "$count / ($(date +%s.%N) - $start)" | bc) words/s, start and reading included"
done
