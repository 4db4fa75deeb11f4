#!/usr/bin/env bash
# Builds the packages of Examples against one shared build folder and runs them: the new cell checks its gradients,
# learns and writes; the language identifier trains, is stopped, goes on, and tells languages apart.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
scratch=$root/.build/examples
for example in NewCell LanguageIdentifier; do
  # The plan of another package that was built there is taken for this one's; what was compiled stays.
  rm -f "$scratch/release.yaml"
  ${SWIFT:-swift} build -c release --package-path "Examples/$example" --scratch-path "$scratch"
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

say() { echo "examples: $*" >&2; exit 1; }
has() { grep -q -- "$1" "$2" || { cat "$2" >&2; say "$3"; }; }

mkdir -p "$folder/Examples/NewCell"
ln -s "$root/corpora" "$folder/corpora"
(cd "$folder/Examples/NewCell" && "$scratch/release/NewCell" | tee "$folder/cell.txt")
has 'gradients of janet' "$folder/cell.txt" "the gradients of the new cell were not checked"
[ "$(grep -c 'learnt from' "$folder/cell.txt")" = 6 ] || say "the new cell did not learn its tasks"
has 'Day 1' "$folder/cell.txt" "the language model of the new cell wrote nothing"
# The tool has no such cell, and says which one is missing.
if [ -x .build/release/majortom ]; then
  ! .build/release/majortom info -m "$folder/Examples/NewCell/janet.safetensors" 2> "$folder/error.txt" \
    || say "the tool took a cell that it does not have"
  has 'no cell is called "janet"' "$folder/error.txt" "the tool does not name the cell that is missing"
fi

identify=$scratch/release/LanguageIdentifier
"$identify" train identifier -o "$folder/whole" --epochs 8 --quiet
"$identify" train identifier -o "$folder/cut" --epochs 8 --quiet --checkpoint-every 0 &
sleep 2
kill -9 $! 2> /dev/null && wait $! 2> /dev/null || true
"$identify" resume "$folder/cut" --quiet
cmp "$folder/whole/model.safetensors" "$folder/cut/model.safetensors" || say "a run that was killed ended in other bytes"
"$identify" which -m "$folder/whole" "twenty-one, three hundred" "quatre-vingt-dix-neuf, deux mille" | tee "$folder/which.txt"
has '^en ' "$folder/which.txt" "English was not recognised"
has '^fr ' "$folder/which.txt" "French was not recognised"
