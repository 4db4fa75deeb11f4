"""Nanoseconds per unit, sequence and step of each cell, beside PyTorch's RNN, LSTM and GRU.

    cells.py [--tool .build/release/majortom] [--hidden 128 512]

One thread, single precision, batch 16, 64 steps, inputs as wide as the state; of ten rounds the
fastest. PyTorch's layers run with autograd, forward and back to weights and inputs, as ours do.
"""
import argparse
import json
import subprocess
import time

import torch

parser = argparse.ArgumentParser()
parser.add_argument("--tool", default=".build/release/majortom")
parser.add_argument("--hidden", type=int, nargs="+", default=[128, 512])
arguments = parser.parse_args()
torch.set_num_threads(1)
RIVALS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "elman": torch.nn.RNN}


def rival(kind, hidden, batch, steps):
    layer = kind(hidden, hidden)
    best = [float("inf")] * 2
    for _ in range(10):
        inputs = torch.randn(steps, batch, hidden, requires_grad=True)
        start = time.perf_counter()
        output = layer(inputs)[0]
        middle = time.perf_counter()
        output.backward(torch.zeros_like(output))
        end = time.perf_counter()
        best = [min(best[0], middle - start), min(best[1], end - middle)]
    return [seconds * 1e9 / (hidden * batch * steps) for seconds in best]


for hidden in arguments.hidden:
    lines = subprocess.run(
        [arguments.tool, "selftest", "--speed", "--hidden", str(hidden), "--json"],
        check=True, capture_output=True, text=True).stdout
    print(f"{hidden} units          copy    cell    back   layer    back  | PyTorch's layer, back")
    for line in lines.splitlines():
        found = json.loads(line)
        row = [found[key] for key in ("copy", "cell_forward", "cell_backward", "layer", "layer_backward")]
        beside = ""
        if found["cell"] in RIVALS:
            times = rival(RIVALS[found["cell"]], hidden, found["batch"], found["steps"])
            beside = " | " + "".join(f"{value:8.2f}" for value in times)
        print(f"{found['cell']:16}" + "".join(f"{value:8.2f}" for value in row) + beside)
