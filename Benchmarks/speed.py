"""Training and generation speed beside PyTorch and ONNX Runtime, on this machine, in this run.

    speed.py [--rounds 3] [--tool .build/release/majortom] [--baselines ../shared/baselines]

Needs `pip install torch numpy onnx onnxruntime` for the interpreter that runs it. The programs run
in turn, round after round, and each figure is the best of its rounds: speed of the fastest update
for training (as torch_speed.py takes its best of six), and for generation the time of 4,000
characters less that of 100, so that starting does not count.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--tool", default=".build/release/majortom")
parser.add_argument("--baselines", default="../shared/baselines")
parser.add_argument("--corpus", default="corpora/ships-log.txt")
arguments = parser.parse_args()
folder = tempfile.mkdtemp()
TRAINING = {128: (50, 50, 150), 256: (64, 64, 30), 512: (64, 64, 12)}  # hidden: batch, steps, updates


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def train(hidden, precision):
    batch, steps, updates = TRAINING[hidden]
    model = os.path.join(folder, f"{hidden}.safetensors")
    lines = run(
        arguments.tool, "train", "lm", arguments.corpus, "-o", model, "--hidden", str(hidden), "--embedding",
        str(hidden), "--batch", str(batch), "--steps", str(steps), "--updates", str(updates), "--dropout", "0",
        "--validation", "0", "--precision", precision, "--threads", "2", "--json",
    )
    return batch * steps / json.loads(lines.splitlines()[-1])["fastest_update_seconds"]


def generate(hidden, threads):
    def seconds(length):
        start = time.perf_counter()
        run(
            arguments.tool, "generate", "-m", os.path.join(folder, f"{hidden}.safetensors"), "-n", str(length),
            "--seed", "1", "--threads", str(threads),
        )
        return time.perf_counter() - start

    return (seconds(4100) - seconds(100)) / 4000 * 1e6


best = {}


def note(kind, name, value, better):
    key = (kind, name)
    best[key] = better(best.get(key, value), value)


for round_number in range(arguments.rounds):
    print(f"round {round_number + 1} of {arguments.rounds}", file=sys.stderr)
    for hidden in TRAINING:
        note(f"train {hidden}", "majortom f32", train(hidden, "f32"), max)
        for threads in (1, 2):
            note(f"generate {hidden}", f"majortom {threads} thread(s)", generate(hidden, threads), min)
        note(f"train {hidden}", "majortom bf16", train(hidden, "bf16"), max)
    for line in run(sys.executable, os.path.join(arguments.baselines, "torch_speed.py"), "2").splitlines():
        number = float(line.split(": ")[1].split()[0].replace(",", ""))
        hidden = int(re.search(r"hidden (\d+)", line)[1])
        if line.startswith("train"):
            note(f"train {hidden}", "torch bf16" if "bfloat16" in line else "torch f32", number, max)
        else:
            note(f"generate {hidden}", "torch 2 thread(s)", number, min)
    for line in run(sys.executable, os.path.join(arguments.baselines, "onnx_generate.py")).splitlines():
        threads, hidden, time_each = re.match(r"threads (\d) hidden (\d+): (\d+)", line).groups()
        note(f"generate {hidden}", f"onnxruntime {threads} thread(s)", float(time_each), min)

for hidden in TRAINING:
    batch, steps, _ = TRAINING[hidden]
    ours, theirs = best[(f"train {hidden}", "majortom f32")], best[(f"train {hidden}", "torch f32")]
    print(f"train 2x{hidden}, batch {batch}, {steps} steps, f32, 2 threads: {ours:,.0f} chars/s; "
          f"PyTorch {theirs:,.0f}; ratio {ours / theirs:.2f}")
    print(f"  bf16: {best[(f'train {hidden}', 'majortom bf16')]:,.0f}; "
          f"PyTorch, all bf16: {best[(f'train {hidden}', 'torch bf16')]:,.0f}")
for hidden in TRAINING:
    row = {name: value for (kind, name), value in best.items() if kind == f"generate {hidden}"}
    print(f"generate 2x{hidden}, f32: " + ", ".join(f"{name} {value:.0f} us/char" for name, value in sorted(row.items())))
