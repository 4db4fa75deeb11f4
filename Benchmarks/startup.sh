#!/usr/bin/env bash
# From the start of the program to its first character, with a model of about 18 MB (2 x 512).
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tool=.build/release/majortom
"$tool" train lm corpora/ships-log.txt -o "$folder/m.safetensors" --hidden 512 --embedding 512 \
  --batch 16 --steps 32 --updates 1 --validation 0 --quiet
echo "model of $(stat -c %s "$folder/m.safetensors") bytes, ten starts, seconds to the first character and exit:"
for _ in 1 2 3 4 5 6 7 8 9 10; do
  /usr/bin/env time -f %e "$tool" generate -m "$folder/m.safetensors" -p "Day" -n 1 --seed 1 2>&1 >/dev/null
done | sort | tr '\n' ' '
echo
