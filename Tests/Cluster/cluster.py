#!/usr/bin/env python3
"""Trains with several processes on this machine, by Open MPI's mpirun and by MPICH's where it is there.

Every model must have the bytes that one process makes, for any number of processes and threads, also where a process
was killed and another number of them went on; and what cannot work must be said in one sentence.

    Tests/Cluster/cluster.py [TOOL]

Needs Python 3, Open MPI, and the library that `make mpi` makes.
"""

import filecmp
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = str(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".build/release/majortom").resolve())
NAME = pathlib.Path(TOOL).name
CORPORA = ROOT / "corpora"
LIBRARY = ROOT / ".build/mpi/libmajortom-mpi.so"
OPEN_MPI = shutil.which("mpirun.openmpi") or "mpirun"
# In a container everybody is root, and a test has more processes than processors.
ENVIRONMENT = dict(
    os.environ, MAJORTOM_MPI=str(LIBRARY), OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
    OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_MCA_hwloc_base_binding_policy="none")
for name in list(ENVIRONMENT):
    if name.startswith(("OMPI_COMM", "PMI", "SLURM")):
        del ENVIRONMENT[name]
MODELS = {
    "lm": [
        "lm", CORPORA / "ships-log.txt", "--hidden", "32", "--layers", "2", "--batch", "16", "--steps", "16",
        "--dropout", "0.2", "--updates", "25", "--validate-every", "10", "--validation", "0.05",
    ],
    "tagger": [
        "tagger", CORPORA / "names/train.conll", "--dev", CORPORA / "names/dev.conll", "--hidden", "24", "--words", "16",
        "--batch", "16", "--updates", "25", "--validate-every", "10",
    ],
    "translator": [
        "translator", CORPORA / "phrases.en-fr.tsv", "--hidden", "24", "--embedding", "16", "--batch", "16",
        "--unit", "word", "--updates", "25", "--validate-every", "10",
    ],
}
LIMIT = 120
failures = []


def check(holds, what, *shown):
    if not holds:
        failures.append(what)
        print(f"FAILED: {what}", *shown, sep="\n  ", flush=True)


def words(*parts):
    return [str(part) for part in parts]


def training(kind, output, *more):
    return words(TOOL, "train", *MODELS[kind], "--shards", "8", "-o", output, *more)


def call(command, environment=ENVIRONMENT):
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, env=environment)


def mpirun(count, command, environment=ENVIRONMENT):
    return call([OPEN_MPI, "-n", str(count), *command], environment)


def same(left, right, what, shown=""):
    check(left.exists() and right.exists() and filecmp.cmp(left, right, shallow=False), what, shown)


def weights(path):
    """What stands behind the header of a model file."""
    data = path.read_bytes()
    return data[8 + int.from_bytes(data[:8], "little"):]


def told(result):
    """The tool's own sentences, without what mpirun says."""
    return [line for line in result.stderr.splitlines() if line.startswith((f"{NAME}:", "copy:"))]


def refused(result, pattern, what, status=1):
    lines = told(result)
    fits = len(lines) == 1 and re.search(pattern, lines[0]) and result.returncode == status
    check(fits, what, f"exit {result.returncode}", result.stderr[-2000:])


def bits(folder):
    for kind in MODELS:
        alone = folder / f"{kind}.safetensors"
        result = call(training(kind, alone, "--threads", "2", "-q"))
        check(result.returncode == 0, f"{kind} alone", result.stderr)
        for count in [1, 2, 3, 4, 8]:
            for threads in [1, 2]:
                path = folder / f"{kind}-{count}-{threads}.safetensors"
                result = mpirun(count, training(kind, path, "--threads", threads, "-q"))
                same(alone, path, f"{kind}: {count} processes of {threads} threads", result.stderr[-2000:])
                check(told(result) == [], f"{kind}: {count} processes are silent", result.stderr[-2000:])
        print(f"{kind}: the bytes of one process by 1, 2, 3, 4 and 8", flush=True)


def rows(folder):
    """A tagger of so many words that the gradients of their table are of rows alone, and only these travel."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = ["".join(word) for word in itertools.islice(itertools.product(letters, repeat=4), 10_000)]
    lines = []
    for sentence in range(3000):
        for place in range(10):
            number = (sentence * 10 + place) * 7919 % 10_000
            lines.append(f"{names[number]} {'B-PER' if number % 5 == 0 else 'O'}")
        lines.append("")
    data = folder / "words.conll"
    data.write_text("\n".join(lines) + "\n")
    command = words(TOOL, "train", "tagger", data, "--hidden", "16", "--words", "16", "--batch", "16", "--shards", "8",
                    "--updates", "25", "--validate-every", "10", "-q")
    for precision in ["f32", "bf16"]:
        alone = folder / f"rows-{precision}.safetensors"
        these = [*command, "--gradient-precision", precision, "-o"]
        result = call([*these, str(alone)])
        check(result.returncode == 0, f"a large table alone, {precision}", result.stderr)
        for count in [2, 3]:
            path = folder / f"rows-{precision}-{count}.safetensors"
            result = mpirun(count, [*these, str(path)])
            same(alone, path, f"a large table: {count} processes, {precision}", result.stderr[-2000:])
    print("rows of a large table: the bytes of one process by 2 and 3", flush=True)


def narrow(folder):
    """Gradients in bfloat16: other bytes than in Float, and the same for any number of processes."""
    for kind in MODELS:
        more = ["--gradient-precision", "bf16", "-q"]
        alone = folder / f"narrow-{kind}.safetensors"
        result = call(training(kind, alone, *more, "--threads", "2"))
        check(result.returncode == 0, f"{kind} alone, gradients in bf16", result.stderr)
        for count in [2, 3, 8]:
            path = folder / f"narrow-{kind}-{count}.safetensors"
            result = mpirun(count, training(kind, path, *more, "--threads", "1"))
            same(alone, path, f"{kind}: {count} processes, gradients in bf16", result.stderr[-2000:])
        wide = folder / f"wide-{kind}.safetensors"
        call(training(kind, wide, "-q"))
        # The files differ in what they say of their training in any case.
        check(weights(alone) != weights(wide), f"{kind}: gradients in bf16 are other numbers")
    print("gradients in bf16: the bytes of one process by 2, 3 and 8", flush=True)


def plain(folder):
    # Alone, nothing of MPI is opened; with it, progress is told by one process.
    result = call(training("lm", folder / "plain.safetensors", "-q"), dict(ENVIRONMENT, LD_DEBUG="files"))
    check("libmpi" not in result.stderr and "majortom-mpi" not in result.stderr, "a plain start opens no MPI")
    result = mpirun(2, training("lm", folder / "told.safetensors", "--json"))
    ends = [line for line in result.stdout.splitlines() if '"end"' in line]
    check(len(ends) == 1, "one process tells what happens", result.stdout, result.stderr)
    # A budget in minutes is that of the first process's clock.
    command = training("lm", folder / "timed", "-q", "--minutes", "0.02")
    place = command.index("--updates")
    del command[place:place + 2]
    result = mpirun(3, command)
    check(result.returncode == 0 and (folder / "timed/model.safetensors").exists(), "a budget in minutes", result.stderr)
    # Only the first process learns how to cut text, and none may begin before that is counted.
    running = folder / "running.jsonl"
    running.write_text("".join(
        json.dumps({"text": f"Ada {number} told Major Tom of it. She left.", "label": [[0, 3, "PER"]]}) + "\n"
        for number in range(300)))
    for minutes in ["0", "0.05"]:
        command = words(TOOL, "train", "tagger", running, "-o", folder / f"cut-{minutes}.safetensors", "--hidden", "16",
                        "--words", "8", "--shards", "4", "--minutes", minutes, "-q")
        result = mpirun(2, command)
        check(result.returncode == 0 and told(result) == [], f"a splitter and {minutes} minutes", result.stderr[-2000:])
    seeds = [folder / "seeds-1.safetensors", folder / "seeds-2.safetensors"]
    results = [call(training("lm", seeds[0], "--seeds", "2", "-q")), mpirun(2, training("lm", seeds[1], "--seeds", "2", "-q"))]
    same(*seeds, "two seeds by two processes", results[1].stderr)


def processes(run):
    """The numbers of the processes that mpirun has started, by their ranks."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                variables = dict(
                    part.split("=", 1) for part in (entry / "environ").read_text().split("\0") if "=" in part)
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError):
                continue
            if parent == run.pid and "OMPI_COMM_WORLD_RANK" in variables:
                found[int(variables["OMPI_COMM_WORLD_RANK"])] = int(entry.name)
    return found


def begun(folder, count, name, kind="lm", updates=os.environ.get("UPDATES", "400")):
    """A long run in a folder that has saved a checkpoint after its first update."""
    path = folder / name
    # 25 updates were too few to be cut short.
    command = training(kind, path, "--checkpoint-every", "0.05", "--threads", "1", "-q")
    command[command.index("25")] = updates
    run = subprocess.Popen(
        [OPEN_MPI, "-n", str(count), *command], env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True)
    # The first checkpoint is of no update; the one before it is there once a second has been made.
    end = time.monotonic() + LIMIT
    while not (path / "checkpoint.previous").exists() and time.monotonic() < end and run.poll() is None:
        time.sleep(0.005)
    check(run.poll() is None, f"{name}: it runs")
    return path, run


def whole(folder, kind="lm", updates=os.environ.get("UPDATES", "400")):
    path = folder / f"whole-{kind}"
    command = training(kind, path, "--threads", "2", "-q")
    command[command.index("25")] = updates
    result = call(command)
    check(result.returncode == 0, f"{kind}: a whole run", result.stderr)
    return path / "model.safetensors"


def goes_on(path, right, what):
    """Any number of processes makes the same bytes of what is left."""
    for count in [0, 2, 4]:
        copy = path.with_name(f"{path.name}-on-{count}")
        shutil.copytree(path, copy)
        command = [TOOL, "resume", str(copy), "-q"]
        result = mpirun(count, command) if count else call(command)
        same(right, copy / "model.safetensors", f"{what}, then {count or 'one alone'}", result.stderr[-2000:])


def losses(folder):
    right = whole(folder)
    for victim in [2, 0]:
        path, run = begun(folder, 3, f"killed-{victim}")
        ranks = processes(run)
        check(len(ranks) == 3, "three processes were found")
        start = time.monotonic()
        os.kill(ranks[victim], signal.SIGKILL)
        try:
            _, text = run.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            run.kill()
            _, text = run.communicate()
        seconds = time.monotonic() - start
        check(seconds < 10 and run.returncode != 0, f"all end soon after rank {victim} was killed: {seconds:.1f} s", text)
        sentence = f"{NAME}: process {victim} on host [^ ]+ has gone"
        check(re.search(sentence, text), f"a sentence names rank {victim}", text)
        print(f"rank {victim} killed: all ended after {seconds:.1f} s", flush=True)
        goes_on(path, right, f"rank {victim} killed")
    # A signal to mpirun, or to one process alone, ends all, and their state is saved.
    for name, number in [("signalled", None), ("one", 1)]:
        path, run = begun(folder, 4, name)
        os.kill(processes(run)[number] if number is not None else run.pid, signal.SIGTERM)
        _, text = run.communicate(timeout=LIMIT)
        check(run.returncode != 0, f"{name}: it was cut short", text)
        goes_on(path, right, f"SIGTERM, {name}")
    right = whole(folder, "tagger", "100")
    path, run = begun(folder, 2, "killed-tagger", "tagger", "100")
    os.kill(processes(run)[1], signal.SIGKILL)
    run.communicate(timeout=LIMIT)
    goes_on(path, right, "tagger killed")


def disagreements(folder):
    output = folder / "refused.safetensors"

    def two(first, second):
        return call([OPEN_MPI, "-n", "1", *words(*first), ":", "-n", "1", *words(*second)])

    usual = training("lm", output, "-q")
    refused(two(usual, usual + ["--rate", "0.01"]), r"do not agree: rate is 0\.\d+ in process 0 on host \S+, and 0\.01 in process 1", "another rate")
    refused(
        two(usual, usual + ["--gradient-precision", "bf16"]), "gradient-precision is f32 in process 0 on host",
        "another precision of gradients")
    refused(two(usual, usual + ["--hidden", "40"]), "do not agree: hidden is 32 in process 0", "another network")
    other = folder / "other.txt"
    text = (CORPORA / "ships-log.txt").read_text()
    other.write_text(text[:-200] + text[-199:])
    changed = [str(other) if word.endswith("ships-log.txt") else word for word in usual]
    refused(two(usual, changed), "do not agree: the fingerprint of the data is", "other data")
    missing = [str(folder / "nowhere.txt") if word.endswith("ships-log.txt") else word for word in usual]
    refused(two(usual, missing), r"process 1 on host \S+: .*nowhere.txt", "data that one has not")
    refused(two(usual, training("tagger", output, "-q")), "do not agree: the kind of model", "another kind of model")
    copy = folder / "copy"
    shutil.copy(TOOL, copy)
    with copy.open("ab") as file:
        file.write(b"another build")
    refused(two(usual, [copy, *usual[1:]]), "do not agree: the checksum of the program is", "another build")
    check(not output.exists(), "what was refused has written nothing")
    refused(mpirun(9, training("lm", output, "-q")), "9 processes cannot share 8 shards", "more processes than shards")
    refused(mpirun(3, usual + ["--bogus"]), "bogus", "an unknown option is told once", 2)
    refused(mpirun(3, [*usual, "--seeds", "0"]), "seeds", "a bad value is told once", 2)
    output.write_text("there")
    refused(mpirun(3, usual), "exists", "a file that is there is told once", 2)
    output.unlink()
    none = dict(ENVIRONMENT, MAJORTOM_MPI=str(folder / "none.so"))
    refused(
        call([OPEN_MPI, "-n", "1", *usual, ":", "-n", "1", "-x", f"MAJORTOM_MPI={folder}/none.so", *usual]),
        r"process 1 on host \S+: .*is missing: \S+none.so", "no library on one machine")
    refused(mpirun(2, training("lm", output, "-q", "--dry-run") + ["--hidden", "0"]), "hidden", "a dry run is told once", 2)
    refused(mpirun(2, usual, none), r"is missing: \S+none.so; make mpi", "no library")
    print("disagreements are refused", flush=True)


def mpich(folder):
    compiler, launcher = shutil.which("mpicc.mpich"), shutil.which("mpirun.mpich")
    if not compiler or not launcher:
        print("MPICH is not here: left out (Debian: mpich libmpich-dev)", flush=True)
        return
    library = folder / "libmajortom-mpich.so"
    result = call([compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(ROOT / "Sources/CMPI/library/majortom-mpi.c")])
    check(result.returncode == 0, "MPICH's mpicc makes the library", result.stderr)
    environment = dict(ENVIRONMENT, MAJORTOM_MPI=str(library))
    path = folder / "mpich.safetensors"
    result = call([launcher, "-n", "3", *training("lm", path, "-q")], environment)
    same(folder / "lm.safetensors", path, "MPICH makes the same bytes", result.stderr)
    wrong = call([launcher, "-n", "2", *training("lm", folder / "wrong.safetensors", "-q")])
    check("make mpi MPICC=" in wrong.stderr, "the library of another MPI is told", wrong.stderr)
    print("MPICH makes the same bytes", flush=True)


def documented(folder):
    """The host file and the Slurm script of docs/cluster.md, with processes on this machine."""
    hosts = folder / "hosts"
    hosts.write_text("localhost slots=2\n")
    path = folder / "hosted.safetensors"
    result = call(
        [OPEN_MPI, "--hostfile", str(hosts), "--map-by", "node", "--bind-to", "none", *training("lm", path, "-q")])
    same(folder / "lm.safetensors", path, "a host file", result.stderr)
    # Slurm's srun is played by mpirun, which leaves out srun's own options.
    srun = folder / "bin/srun"
    srun.parent.mkdir()
    srun.write_text(
        f'#!/bin/bash\nwhile [ "${{1#--}}" != "$1" ]; do shift; done\nexec {OPEN_MPI} -n "$SLURM_NTASKS" "$@"\n')
    srun.chmod(0o755)
    run = folder / "slurm"
    environment = dict(
        ENVIRONMENT, PATH=f"{srun.parent}:{os.environ['PATH']}", MAJORTOM=TOOL, RUN=str(run), SLURM_NTASKS="4",
        CORPUS=str(CORPORA / "ships-log.txt"), OPTIONS="--hidden 32 --steps 16 --updates 100000 --checkpoint-every 0.1 -q")
    script = str(ROOT / "Examples/cluster/train.slurm")
    job = subprocess.Popen(["bash", script], env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)
    end = time.monotonic() + LIMIT
    while not (run / "checkpoint.previous").exists() and time.monotonic() < end and job.poll() is None:
        time.sleep(0.01)
    # As Slurm does before the time limit, with all processes of the job.
    for entry in pathlib.Path("/proc").iterdir():
        try:
            variables = (entry / "environ").read_text().split("\0") if entry.name.isdigit() else []
        except OSError:
            continue
        if f"RUN={run}" in variables and any(v.startswith("OMPI_COMM_WORLD_RANK") for v in variables):
            os.kill(int(entry.name), signal.SIGTERM)
    _, text = job.communicate(timeout=LIMIT)
    check(job.returncode != 0 and (run / "config.json").exists(), "a job that was cut short ends", text)
    # Begun again, the job goes on: here with two processes, and only to be cut short once more.
    environment["SLURM_NTASKS"] = "2"

    def stamp():
        # Between two names a checkpoint is nowhere for a moment.
        return (run / "checkpoint").stat().st_mtime_ns if (run / "checkpoint").exists() else before

    before = None
    before = stamp()
    job = subprocess.Popen(["bash", script], env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while stamp() == before and time.monotonic() < end and job.poll() is None:
        time.sleep(0.01)
    check(job.poll() is None and stamp() != before, "the job goes on with the run")
    os.killpg(job.pid, signal.SIGTERM)
    _, text = job.communicate(timeout=LIMIT)
    print("a host file and the Slurm script work", flush=True)


def main():
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for part in [bits, rows, narrow, plain, documented, disagreements, mpich, losses]:
            if not os.environ.get("ONLY") or part.__name__ in os.environ["ONLY"]:
                part(folder)
    print(f"{time.monotonic() - start:.0f} s; {len(failures)} failures", flush=True)
    sys.exit(1 if failures else 0)


main()
