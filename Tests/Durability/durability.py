#!/usr/bin/env python3
"""Kills trainings at random, resumes them, and demands the bytes of one that was never killed.

Every model is trained into a folder and into a single file; the kills (SIGKILL, as the loss of power has
it) come at random times, while a file is being saved, and between the checkpoint of an update and its
validation. Some runs lie on a disk that is full for a while. A run counts where its model in the end has the
bytes of the one that was not killed; a file that cannot be read on the way is a failure.

    Tests/Durability/durability.py [--kills N] [--seed S] [--tool PATH] [--folder PATH]

Needs Python 3 alone; the full disk needs the right to mount one, and is left out, with a word, without it.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPORA = ROOT / "corpora"
SMALL = ["--checkpoint-every", "0", "--patience", "0", "--quiet", "--threads", "2"]
MODELS = {
    "lm": [
        "train", "lm", CORPORA / "ships-log.txt", "--hidden", "48", "--embedding", "16", "--batch", "8",
        "--steps", "16", "--updates", "600", "--validate-every", "5", "--validation", "0.1",
    ],
    "tagger": [
        "train", "tagger", CORPORA / "names" / "train.conll", "--dev", CORPORA / "names" / "dev.conll",
        "--hidden", "32", "--words", "16", "--updates", "120", "--validate-every", "4",
    ],
    "translator": [
        "train", "translator", CORPORA / "phrases.en-fr.tsv", "--hidden", "32", "--embedding", "16",
        "--updates", "60", "--validate-every", "4",
    ],
}


class Run:
    """A training in a folder, or with a model file of its own."""

    def __init__(self, tool, words, path):
        self.tool, self.words, self.path = tool, [str(word) for word in words], path
        self.is_folder = path.suffix != ".safetensors"
        self.model = path / "model.safetensors" if self.is_folder else path
        self.checkpoint = path / "checkpoint" if self.is_folder else path.with_name(path.name + ".checkpoint")
        self.folder = path if self.is_folder else path.parent

    def has_checkpoint(self):
        older = self.checkpoint.with_name(self.checkpoint.name + ".previous")
        return self.checkpoint.exists() or older.exists()

    def start(self):
        """Begins the run, or goes on with it as its users would."""
        if not self.has_checkpoint():
            words = self.words + SMALL + ["-o", self.path, "--overwrite"]
        elif self.is_folder:
            words = ["resume", self.path, "--quiet"]
        else:
            words = self.words + SMALL + ["-o", self.path, "--resume"]
        return subprocess.Popen(
            [self.tool] + [str(word) for word in words], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def record(self):
        """What the checkpoint has counted, or nothing where there is none."""
        try:
            with open(self.checkpoint, "rb") as file:
                header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
            return json.loads(header["__metadata__"]["record"])
        except (OSError, KeyError, struct.error, ValueError):
            return None

    def is_saving(self):
        """Whether a file is being written beside its place."""
        try:
            prefix = "." if self.is_folder else f".{self.path.name}."
            return any(name.startswith(prefix) for name in os.listdir(self.folder))
        except OSError:
            return False


def fail(sentence):
    sys.exit(f"durability: {sentence}")


def demand_sound(run):
    """Fails where a file that has its place is not whole."""
    for path in [run.model]:
        if path.exists():
            found = subprocess.run(
                [run.tool, "info", path, "--verify"], capture_output=True, text=True)
            if found.returncode != 0:
                fail(f"{path} is damaged after a kill: {found.stderr.strip()}")


def wait_for(process, is_due, limit):
    """Waits until it is time to kill; false where the process ended before."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if process.poll() is not None:
            return False
        if is_due():
            return True
        time.sleep(0.0003)
    return process.poll() is None


def kill_at_random(run, choice, seconds):
    """Runs until a kill, by one of the ways; returns what kind of place was hit, or None at the end."""
    process = run.start()
    way = choice.choice(["time", "time", "saving", "validation"])
    delay = choice.uniform(0.02, seconds)
    begin = time.monotonic()
    if way == "saving":
        alive = wait_for(process, lambda: time.monotonic() - begin > delay and run.is_saving(), delay + 5)
    elif way == "validation":
        def is_due():
            if time.monotonic() - begin < delay:
                return False
            record = run.record()
            interval = int(run.words[run.words.index("--validate-every") + 1])
            return record is not None and record["updates"] % interval == 0 < record["updates"] \
                and record["lastValidation"] != record["updates"]
        alive = wait_for(process, is_due, delay + 5)
    else:
        alive = wait_for(process, lambda: False, delay)
    if not alive:
        errors = process.stderr.read()
        if process.wait() != 0:
            fail(f"{run.path}: {errors.strip()}")
        return None
    process.send_signal(signal.SIGKILL)
    process.wait()
    record = run.record()
    interval = int(run.words[run.words.index("--validate-every") + 1])
    if record and record["updates"] % interval == 0 and record["lastValidation"] != record["updates"]:
        place = "validation"
    else:
        place = "saving" if run.is_saving() else "update"
    demand_sound(run)
    return place


def finish(run):
    process = run.start()
    _, errors = process.communicate(timeout=600)
    if process.returncode != 0:
        fail(f"{run.path}: {errors.strip()}")


def kill_much(tool, folder, kills, choice):
    """Kills runs of all kinds until there were enough kills; returns the places by their counts."""
    references, seconds = {}, {}
    for name, words in MODELS.items():
        run = Run(tool, words, folder / f"{name}-whole")
        begin = time.monotonic()
        finish(run)
        seconds[name] = time.monotonic() - begin
        references[name] = run.model.read_bytes()
    places, number, finished = {}, 0, 0
    while sum(places.values()) < kills:
        name = list(MODELS)[number % len(MODELS)]
        suffix = ".safetensors" if number // len(MODELS) % 2 else ""
        run = Run(tool, MODELS[name], folder / f"{name}-{number}{suffix}")
        number += 1
        # Some five kills a run, as a killed run does not come far.
        while sum(places.values()) < kills:
            place = kill_at_random(run, choice, seconds[name] / 3)
            if place is None:
                break
            places[place] = places.get(place, 0) + 1
        else:
            finish(run)
        if run.model.read_bytes() != references[name]:
            fail(f"{run.path}: the model differs from that of a run that was never killed")
        finished += 1
        if run.is_folder:
            shutil.rmtree(run.path)
        print(f"{run.path.name}: identical after {sum(places.values())} kills in all", flush=True)
    return places, finished


def fill(folder):
    """Takes all room that is left on a small disk."""
    with open(folder / "filler", "wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096) > 0:
                pass
        except OSError:
            pass


def full_disk(tool, folder, choice, rounds):
    """Runs on a disk that fills up, is killed there, and has room again."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode != 0:
        print(f"left out: a full disk, as none can be mounted here ({mounted.stderr.strip()})")
        return 0
    try:
        for number in range(rounds):
            name = list(MODELS)[number % len(MODELS)]
            whole = Run(tool, MODELS[name], folder / f"{name}-whole")
            run = Run(tool, MODELS[name], disk / name)
            process = run.start()
            wait_for(process, lambda: (run.record() or {"updates": 0})["updates"] > 2, 30)
            fill(disk)
            wait_for(process, lambda: False, choice.uniform(0.1, 1.5))
            if process.poll() is None:
                process.kill()
            process.wait()
            if not run.has_checkpoint():
                fail(f"{run.path}: no checkpoint is left on the full disk")
            demand_sound(run)
            # Nothing can be saved, so it may end with a sentence; it must lose nothing.
            process = run.start()
            wait_for(process, lambda: False, choice.uniform(0.1, 1.0))
            if process.poll() is None:
                process.kill()
            process.wait()
            (disk / "filler").unlink()
            finish(run)
            if run.model.read_bytes() != whole.model.read_bytes():
                fail(f"{run.path}: the model differs from that of a run on a disk with room")
            shutil.rmtree(run.path)
            print(f"{name}: identical after a full disk", flush=True)
        return rounds
    finally:
        subprocess.run(["umount", "-l", disk])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--tool", default=ROOT / ".build" / "release" / "majortom")
    parser.add_argument("--folder", default=None, help="where the runs go: on a real disk")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    choice = random.Random(seed)
    print(f"seed {seed}", flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="durability-", dir=arguments.folder or ROOT / ".build"))
    try:
        places, runs = kill_much(str(arguments.tool), folder, arguments.kills, choice)
        rounds = full_disk(str(arguments.tool), folder, choice, 3 if arguments.kills < 100 else 9)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    hit = ", ".join(f"{count} in {place}" for place, count in sorted(places.items()))
    print(f"{sum(places.values())} kills ({hit}) in {runs} runs and {rounds} full disks: none lost, all identical")


main()
