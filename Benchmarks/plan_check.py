#!/usr/bin/env python3
"""What majortom plan says, beside what mpirun takes on this machine: 1, 2, 4 and 8 processes of one thread.

plan_check.py [TOOL] [--planner TOOL] [--hidden N] [--layers N] [--batch N] [--steps N] [--updates N] [--counts 1,2,4,8]

All processes share this machine (plan's --per-machine), so nothing goes over a network, and those beyond the cores
take turns; what is checked are the constants, the shares, and the cost of the exchange in memory. A training of U
updates and one of 3 U are timed, and their difference is 2 U updates without start and end. Plan and trainings take
turns, three times each, and medians are compared. Needs Open MPI and `make mpi`.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

root = pathlib.Path(__file__).resolve().parent.parent
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("tool", nargs="?", default=str(root / ".build/release/majortom"))
parser.add_argument("--planner", help="another tool to plan with")
parser.add_argument("--hidden", type=int, default=512)
parser.add_argument("--layers", type=int, default=2)
parser.add_argument("--batch", type=int, default=64)
parser.add_argument("--steps", type=int, default=64)
parser.add_argument("--shards", type=int, default=8)
parser.add_argument("--updates", type=int, default=6)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--counts", default="1,2,4,8")
given = parser.parse_args()
tool = str(pathlib.Path(given.tool).resolve())
counts = [int(count) for count in given.counts.split(",")]
size = [f"--{name}={getattr(given, name)}" for name in ("hidden", "layers", "batch", "steps", "shards")]
environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def planned():
    """Seconds of an update by each number of processes, as planned for this machine alone."""
    done = subprocess.run(
        [given.planner or tool, "plan", "--json", "--threads", "1", "--processes", str(max(counts)), "--per-machine", str(max(counts)),
         # The characters of the text that is trained on.
         "--tokens", "320", "--seconds", "3"] + size, capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["processes"]: row["seconds"] for row in rows}


def trained(processes, updates, folder):
    """Seconds of a training."""
    launcher = ["mpirun", "-n", str(processes), "--oversubscribe", "--bind-to", "none"] if processes > 1 else []
    began = time.monotonic()
    subprocess.run(
        launcher + [tool, "train", "lm", str(folder / "text.txt"), "-o", str(folder / "m.safetensors"), "--overwrite",
                    "--quiet", "--threads", "1", "--preset", "none", "--dropout", "0.2", "--updates", str(updates),
                    "--validation", "0", "--max-size", "320", "--checkpoint-every", "100000"] + size,
        env=environment, check=True)
    return time.monotonic() - began


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        log = (root / "corpora/ships-log.txt").read_text()
        wanted = 4 * given.batch * given.steps
        (folder / "text.txt").write_text(log * (wanted // len(log) + 1))
        plans, trainings = [], {count: [] for count in counts}
        for _ in range(given.rounds):
            plans.append(planned())
            for count in counts:
                short, long = (trained(count, times * given.updates, folder) for times in (1, 3))
                trainings[count].append((long - short) / (2 * given.updates))
        print(f"{given.layers} x {given.hidden}, batch {given.batch}, steps {given.steps}, {given.shards} shards, "
              f"one thread a process, {os.cpu_count()} cores; ms an update, medians of {given.rounds}")
        print("processes  planned  measured  planned / measured")
        for count in counts:
            plan = 1e3 * statistics.median(found[count] for found in plans)
            taken = 1e3 * statistics.median(trainings[count])
            print(f"{count:9}  {plan:7.1f}  {taken:8.1f}  {plan / taken:18.2f}")


if __name__ == "__main__":
    main()
