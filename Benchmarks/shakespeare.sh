#!/usr/bin/env bash
# Tiny Shakespeare: shakespeare.sh [TEXT] [OPTION...]; the first tenths train, the last validates.
set -euo pipefail
cd "$(dirname "$0")/.."
text=${1:-../shared/data/lm-tinyshakespeare/input.txt}
shift || true
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tool=.build/release/majortom
"$tool" train lm "$text" -o "$folder/m.safetensors" --hidden 512 --dropout 0.35 --batch 32 --steps 128 \
  --rate 0.004 --minutes 4 --validate-every 50 --patience 0 "$@"
"$tool" evaluate -m "$folder/m.safetensors" "$text" --part validation
