#!/usr/bin/env python3
"""How fast two processes of one thread train, beside one process of two threads, and what their messages take.

    Benchmarks/cluster.py [TOOL] [--rounds 5] [--updates 12] [--hidden 512] [--gradient-precision f32]

A language model of two layers, batches of 64, on a machine with two cores that nothing else uses. The two run in
turn; each round's ratio is of their fastest updates, and the median of the rounds is what counts. Needs mpirun and mpicc.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
words = argparse.ArgumentParser()
words.add_argument("tool", nargs="?", default=str(ROOT / ".build/release/majortom"))
words.add_argument("--rounds", type=int, default=5)
words.add_argument("--updates", type=int, default=12)
words.add_argument("--hidden", type=int, default=512)
words.add_argument("--processes", type=int, default=2)
words.add_argument("--precision", default="auto")
words.add_argument("--gradient-precision", default="f32")
words = words.parse_args()


def train(folder, library, processes, threads):
    """The seconds of the fastest update, and of messages and waiting in one on average."""
    command = [
        words.tool, "train", "lm", str(ROOT / "corpora/ships-log.txt"), "-o", f"{folder}/model.safetensors", "--overwrite",
        "--hidden", str(words.hidden), "--layers", "2", "--batch", "64", "--steps", "100", "--dropout", "0",
        "--shards", "4", "--updates", str(words.updates), "--validation", "0", "--threads", str(threads), "--json",
        "--precision", words.precision, "--gradient-precision", words.gradient_precision,
    ]
    if processes > 1:
        command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(processes), *command]
    result = subprocess.run(
        command, capture_output=True, text=True,
        env=dict(
            os.environ, MAJORTOM_MPI=library, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1"))
    if result.returncode != 0:
        raise SystemExit(result.stderr)
    end = next(json.loads(line) for line in result.stdout.splitlines() if '"end"' in line)
    times = re.findall(r"CMPI_TIMES \d+ ([\d.]+) \d+ ([\d.]+)", result.stderr)
    large, small = (min((float(pair[i]) for pair in times), default=0) / words.updates for i in (0, 1))
    return end["fastest_update_seconds"], large, small


with tempfile.TemporaryDirectory() as folder:
    library = f"{folder}/libmajortom-mpi.so"
    subprocess.run(
        ["mpicc", "-O2", "-DCMPI_TIMES", "-shared", "-fPIC", "-o", library,
         str(ROOT / "Sources/CMPI/library/majortom-mpi.c")], check=True)
    ratios, shares, rows = [], [], []
    for _ in range(words.rounds):
        alone, _, _ = train(folder, library, 1, words.processes)
        together, large, small = train(folder, library, words.processes, 1)
        ratios.append(alone / together)
        shares.append(large / together)
        rows.append({
            "one_process": alone, "processes": together, "messages": large, "waiting": small,
        })
    print(json.dumps({
        "processes": words.processes, "hidden": words.hidden, "ratio": statistics.median(ratios), "ratios": ratios,
        "share_of_messages": statistics.median(shares), "seconds_of_an_update": rows,
    }, indent=1))
