"""How benchmark.py measures: programs that take turns, and rivals that may be missing."""
import json
import os
import re
import select
import statistics
import subprocess
import tempfile
import time


class Unavailable(Exception):
    """Something that this machine lacks: its row says so, and all others are measured."""


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no message"


class Workplace:
    """What all sections share: the programs, a folder for models, and how much time is left."""

    def __init__(self, options, folder):
        self.tool, self.python, self.quick = options.tool, options.python, options.quick
        self.data = options.data
        self.threads, self.memory_minutes = options.threads, options.memory_minutes
        self.rounds = options.rounds or (3 if options.quick else 5)
        self.folder, self.here = folder, os.path.dirname(os.path.abspath(__file__))
        self.corpus = os.path.join(self.here, "..", "corpora", "ships-log.txt")
        self.section_ends = float("inf")
        self._rivals, self._help = {}, {}

    def path(self, name):
        return os.path.join(self.folder, name)

    def left(self):
        return self.section_ends - time.monotonic()

    def patience(self):
        """How long a single call may take: what hangs, or crawls, must not cost the next sections their time."""
        return max(30, min(900, self.left() + 15))

    def run(self, *command, **settings):
        """Standard output of a command; Unavailable, with its last words, where it fails."""
        settings = {"timeout": self.patience(), "check": True, "capture_output": True, "text": True} | settings
        try:
            return subprocess.run([str(part) for part in command], **settings).stdout
        except FileNotFoundError as problem:
            raise Unavailable(f"no {command[0]}") from problem
        except subprocess.CalledProcessError as problem:
            raise Unavailable(f"{os.path.basename(str(command[0]))} {command[1]}: {last_line(problem.stderr or '')}") from problem
        except subprocess.TimeoutExpired as problem:
            raise Unavailable(f"{os.path.basename(str(command[0]))} {command[1]} took too long, more than {problem.timeout:.0f} s") from problem

    def majortom(self, *arguments, **settings):
        return self.run(self.tool, *arguments, **settings)

    def seconds(self, *arguments, **settings):
        begin = time.perf_counter()
        self.majortom(*arguments, **settings)
        return time.perf_counter() - begin

    def takes(self, command, option):
        """Whether a command of the tool has an option: options come and go."""
        if command not in self._help:
            self._help[command] = self.majortom(*command.split(), "--help")
        return re.search(re.escape(option) + r"\b", self._help[command]) is not None

    def compiled(self, source, *flags):
        """The program that a C file here makes, by the first compiler that can make it."""
        program = self.path(os.path.splitext(source)[0])
        if os.path.exists(program):
            return program
        problem = "no C compiler"
        # Kernels are compiled as the Swift toolchain does it; everything else by the system's compiler, whose loops
        # over intrinsics keep more in registers (clang's peaks were a third lower).
        for compiler in ("clang", "cc") if source == "products.c" else ("cc", "clang"):
            try:
                self.run(compiler, "-O2", "-o", program, os.path.join(self.here, source), *flags)
                return program
            except Unavailable as refused:
                problem = str(refused)
        raise Unavailable(f"{source} does not compile: {problem}")

    def rival(self, script, *arguments):
        key = (script, *arguments)
        if key not in self._rivals:
            self._rivals[key] = Rival([self.python, os.path.join(self.here, script), *arguments], self.patience)
        return self._rivals[key]

    def dismiss(self, script):
        """Ends the rivals of a script, whose memory the next section need not have beside it."""
        for key in [key for key in self._rivals if key[0] == script]:
            self._rivals.pop(key).end()

    def model(self, hidden):
        """A language model of two layers, of the sizes that the rivals have."""
        path = self.path(f"model-{hidden}.safetensors")
        if not os.path.exists(path):
            self.majortom(
                "train", "lm", self.corpus, "-o", path, "--hidden", hidden, "--embedding", hidden,
                "--batch", 16, "--steps", 32, "--updates", 1, "--validation", 0, "--quiet")
        return path


class Rival:
    """A rival's script, kept running between its turns: starting Python takes longer than most
    measurements, and a rival that has started is at its best."""

    def __init__(self, command, patience):
        self.command, self.patience, self.process, self.problem = command, patience, None, None
        self.name = os.path.basename(command[1])

    def ask(self, *words):
        if self.problem:
            raise Unavailable(self.problem)
        if self.process is None:
            self.errors = tempfile.TemporaryFile("w+")
            try:
                self.process = subprocess.Popen(
                    self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True)
            except OSError as problem:
                self.problem = f"no {self.command[0]}: {problem.strerror}"
                raise Unavailable(self.problem) from problem
        try:
            self.process.stdin.write(" ".join(map(str, words)) + "\n")
            self.process.stdin.flush()
            ready, _, _ = select.select([self.process.stdout], [], [], self.patience())
            answer = self.process.stdout.readline() if ready else ""
        except BrokenPipeError:
            answer, ready = "", True
        if not answer:
            self.end()
            self.errors.seek(0)
            self.problem = f"{self.name}: {last_line(self.errors.read()) if ready else 'took too long'}"
            raise Unavailable(self.problem)
        return json.loads(answer)

    def end(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdin = None
            self.process = None


def alternate(place, programs, rows_left=1):
    """Seconds of each program, taking turns round after round: {name: [seconds]}, {name: problem}.

    Neighbours in time share what the machine is doing besides, so their ratio is worth more than
    that of two separate figures. A program that fails drops out; no new round begins when the
    row's share of the section's time is up, which the report tells.
    """
    row_ends = time.monotonic() + place.left() / rows_left
    seconds, problems = {name: [] for name in programs}, {}
    for turn in range(place.rounds):
        began = time.monotonic()
        for name, program in programs.items():
            if name in problems:
                continue
            try:
                seconds[name].append(program())
            except Unavailable as problem:
                problems[name] = str(problem)
        now = time.monotonic()
        if row_ends - now < (now - began) / 2:
            break
    return seconds, problems


def spread(values):
    return {"median": statistics.median(values), "smallest": min(values), "largest": max(values)}


def compared(what, ours, theirs, measured, unit, amount=1.0, work=None, rival_work=None):
    """A row of the report: two programs beside each other.

    `measured` is what alternate() returns, `amount` how many characters (words ...) the seconds were
    for; the ratio says how many times as fast as theirs ours is. `work` is what had to be done in
    those seconds (see machine.py), for the share of the peak; the rival's is the same unless given.
    """
    seconds, problems = measured
    row = {"what": what, "ours": ours, "rival": theirs, "unit": unit, "problems": []}
    for side, name, done in (("ours", ours, work), ("theirs", theirs, rival_work or work)):
        if problems.get(name):
            row["problems"].append(f"{name}: {problems[name]}")
        values = seconds.get(name) or []
        row[f"{side}_seconds"], row[f"{side}_work"] = values, done
        row[f"{side}_value"] = shown(statistics.median(values), amount, unit) if values else None
    if row["ours_seconds"] and row["theirs_seconds"]:
        ratios = [other / own for own, other in zip(row["ours_seconds"], row["theirs_seconds"])]
        row["ratio"], row["pairs"] = spread(ratios), len(ratios)
    return row


def shown(seconds, amount, unit):
    """Seconds as the unit has them: things a second, or time of one thing."""
    scale = {"s": 1, "ms": 1e3, "us": 1e6}
    first = unit.split("/")[0]
    return seconds / amount * scale[first] if first in scale else amount / seconds
