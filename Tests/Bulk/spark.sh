#!/usr/bin/env bash
# Examples/spark as its README tells: small models, text with bad lines, and each way compared with the plain run.
# spark.sh [PYTHON [TOOL]]
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${1:-python3}
tool=$(realpath "${2:-.build/release/majortom}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/models"
small=(--seed 1 --quiet --threads 1)
"$tool" corpus numbers --from en --to fr --max 999 >"$folder/numbers.tsv"
"$tool" train lm corpora/ships-log.txt -o "$folder/models/log.safetensors" --hidden 32 --updates 40 "${small[@]}"
"$tool" train tagger corpora/names/train.conll --dev corpora/names/dev.conll -o "$folder/models/names.safetensors" \
  --hidden 32 --epochs 2 "${small[@]}"
"$tool" train translator "$folder/numbers.tsv" -o "$folder/models/numbers.safetensors" --unit word --min-count 1 \
  --hidden 32 --epochs 2 "${small[@]}"
# Lines of a log and numbers in words, every fourth with what text from outside has: nothing, bytes that are no UTF-8,
# zeros, CRs in and at the end of lines, and one line that is too long.
"$python" - "$folder/text.txt" "$folder/numbers.tsv" <<'P'
import sys
right = open("corpora/ships-log.txt", "rb").read().split(b"\n")[:600]
right += [row.split(b"\t")[0] for row in open(sys.argv[2], "rb").read().split(b"\n")[:600]]
wrong = [b"", b"\xff\xfe", b"\0\0", b"two\r", b"one\rtwo", b"caf\xc3", "Zoë 👩‍🚀".encode(), b" ", b"one\xe2\x80\xa8two"]
lines = [line for number, text in enumerate(right) for line in [text, wrong[number % len(wrong)]][: 1 + (number % 4 == 0)]]
lines.insert(700, b"z" * 70_000)
open(sys.argv[1], "wb").write(b"".join(line + b"\n" for line in lines))
P
"$python" Examples/spark/bulk.py "$tool" "$folder"
