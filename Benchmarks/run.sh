#!/usr/bin/env bash
# All benchmarks but tiny Shakespeare, which takes minutes. PYTHON names an interpreter with torch.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tool=.build/release/majortom

echo "== start to first character"
Benchmarks/startup.sh

echo "== allocations of 100 updates (2 x 64, batch 16, 32 steps)"
cc -O2 -shared -fPIC -o "$folder/allocations.so" Benchmarks/allocations.c
for updates in 100 200; do
  LD_PRELOAD="$folder/allocations.so" "$tool" train lm corpora/ships-log.txt \
    -o "$folder/a.safetensors" --hidden 64 --batch 16 --steps 32 --updates $updates --validation 0 --quiet
done

if ! "$python" -c 'import torch, onnxruntime, safetensors' 2>/dev/null; then
  echo "== no PyTorch for $python: set PYTHON to an interpreter that has torch, onnxruntime, safetensors"
  exit 0
fi
echo "== the same model in PyTorch"
"$python" Benchmarks/torch_model.py "$folder/a.safetensors" corpora/ships-log.txt
echo "== cells"
"$python" Benchmarks/cells.py
if [ -d ../shared/baselines ]; then
  echo "== speed"
  "$python" Benchmarks/speed.py
fi
