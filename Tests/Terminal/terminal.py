#!/usr/bin/env python3
"""What the tool shows on a terminal, tried on pseudo-terminals of many widths.

    Tests/Terminal/terminal.py [TOOL]

The live line never wraps, whatever the width, what is in it, and when the window changes; nothing of it
stays; where no terminal is, plain lines come; colours follow --color and NO_COLOR.
"""

import os
import re
import subprocess
import sys
import tempfile

from pseudoterminal import Session, width

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else f"{ROOT}/.build/release/majortom")
SMALL = ["--hidden", "24", "--embedding", "16", "--batch", "8", "--steps", "32", "--threads", "1"]
LOG = f"{ROOT}/corpora/ships-log.txt"
failures = []


def check(holds, sentence, session=None):
    if not holds:
        failures.append(sentence)
        print(f"FAIL  {sentence}")
        if session:
            print(session.screen().text()[-2000:])


def demand_one_line(session, name, changes=False):
    """Every live line fits the terminal as it was then; and none is left over, where its size stays."""
    check(session.live, f"{name}: nothing was shown while it ran", session)
    for line, columns, is_settled in session.live:
        if is_settled:
            check(width(line) < columns, f"{name}: {width(line)} cells of {columns}: {line!r}")
    if changes:
        return
    text = session.screen().text()
    check(" left" not in re.sub(r"(?m)^step .*$", "", text), f"{name}: a live line stayed", session)


def train(columns, folder, *more, **options):
    return Session([TOOL, "train", "lm", LOG, "-o", "m.safetensors", "--overwrite", *SMALL, *more],
                   columns, folder=folder, **options)


def widths(folder):
    for columns in (20, 21, 33, 47, 80, 120, 300):
        session = train(columns, folder, "--updates", "60", "--validate-every", "20")
        name = f"{columns} columns"
        check(session.status == 0, f"{name}: exit code {session.status}", session)
        demand_one_line(session, name)
        screen = session.screen().text()
        kept = [line for line in screen.split("\n") if line.startswith("step ")]
        check(len(kept) == 3, f"{name}: {len(kept)} lines of validations stay", session)
        check(all(width(line) < columns for line in kept), f"{name}: a line of a validation wraps")
        # Counts end where they said.
        shown = re.findall(r"step (\d+)/(\d+)", session.output)
        check(shown and all(last == "60" for _, last in shown), f"{name}: another end than 60")
        check(shown[-1][0] == "60", f"{name}: the last step shown is {shown[-1][0]}")
        if columns >= 80:
            best = re.search(r"best validation ([\d.]+) bits/char at step (\d+)", screen)
            check(best is not None, f"{name}: no best validation", session)
            lines = [line for line in kept if line.startswith(f"step {best.group(2)}/60 ")]
            # Loss and validation in one unit, the same number as in the end, and what was saved.
            check(len(lines) == 1 and f"valid {best.group(1)} bits/char" in lines[0],
                  f"{name}: the best validation is not among the lines", session)
            check(all("loss" in line and "nats" not in line for line in kept), f"{name}: units", session)
            check(all(("best, saved" in line) == ("best" in line) for line in kept),
                  f"{name}: what is best is saved", session)


def resizing(folder):
    session = train(300, folder, "--minutes", "0.12",
                    resize=[(3, 40), (9, 20), (15, 200), (21, 25)])
    demand_one_line(session, "a window that changes its size", changes=True)
    seen = {columns for _, columns, _ in session.live}
    check(len(seen) >= 3, f"a window that changes its size: only {seen} were seen")
    # A budget in minutes does not know its steps, and says none.
    check("/" not in "".join(re.findall(r"step [\d,/]+", session.output)),
          "minutes: a number of steps is promised", session)


def bars(folder):
    name = "長い名前の文章.txt"
    with open(LOG, encoding="utf-8") as file:
        text = file.read()
    with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
        file.write(text * (8_000_000 // len(text)))
    for columns in (20, 37, 80, 300):
        session = Session([TOOL, "evaluate", "-m", "m.safetensors", name, "--threads", "1"], columns, folder=folder)
        check(session.status == 0, f"evaluate at {columns}: exit code {session.status}", session)
        demand_one_line(session, f"a name of wide characters at {columns} columns")
        check(any("%" in line for line, _, _ in session.live), f"no percentage at {columns} columns")
    with open(f"{folder}/short.txt", "w", encoding="utf-8") as file:
        file.write(text[:2000])
    for arguments in (["check", "short.txt"], ["info", "m.safetensors"], ["version"]):
        session = Session([TOOL, *arguments], 80, folder=folder)
        check(not session.live and "\x1b" not in session.output, f"{arguments[0]}: what is done at once shows nothing")


def interrupted(folder):
    session = train(60, folder, "--minutes", "5", "--patience", "0", until="step 2")
    check(session.status == 130, f"interrupted: exit code {session.status}", session)
    demand_one_line(session, "interrupted")
    check("--resume" in session.screen().text(), "interrupted: no word of how to go on", session)
    os.remove(f"{folder}/m.safetensors.checkpoint")


def quiet(folder):
    for option in ("--quiet", "--json"):
        session = train(80, folder, "--updates", "20", option)
        check(not session.live, f"{option}: a live line", session)
    session = train(80, folder, "--updates", "20", environment={"TERM": "dumb"})
    check("\x1b" not in session.output and not session.live, "TERM=dumb: what it does not obey", session)
    check("best validation" in session.output, "TERM=dumb: nothing at all", session)


def plain(folder):
    """Where no terminal is: lines that end, and nothing that a terminal would obey."""
    process = subprocess.run(
        [TOOL, "train", "lm", LOG, "-o", "m.safetensors", "--overwrite", *SMALL, "--minutes", "0.15"],
        cwd=folder, capture_output=True, text=True, check=False)
    check(process.returncode == 0 and not process.stdout, "plain: exit code or output")
    check("\r" not in process.stderr and "\x1b" not in process.stderr, "plain: control characters")
    lines = [line for line in process.stderr.split("\n") if line.startswith("step ")]
    check(len(lines) >= 2, f"plain: {len(lines)} lines of progress in nine seconds")


def colours(folder):
    call = [TOOL, "explain", "cells", "-m", "m.safetensors", "--text", "Day 1. The lamp turned.", "--unit", "1.1"]
    cases = [
        ([], {}, True), ([], {"NO_COLOR": "1"}, False), ([], {"NO_COLOR": ""}, True),
        ([], {"TERM": "dumb"}, False), (["--color", "never"], {}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
    ]
    for more, environment, is_coloured in cases:
        session = Session(call + more, 80, {"NO_COLOR": None, **environment}, folder=folder)
        check(session.status == 0, f"colours {more} {environment}: exit code", session)
        check(("\x1b[48;2" in session.output) == is_coloured, f"colours with {more} {environment}", session)
    piped = subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False).stdout
    check("\x1b" not in piped and "1.1" in piped, "colours into a pipe")
    piped = subprocess.run(call + ["--color=always"], cwd=folder, capture_output=True, text=True,
                           check=False).stdout
    check("\x1b[48;2" in piped, "--color=always into a pipe")


def splitter(folder):
    """A tagger that learns to cut text says so before it trains."""
    words = "the lamp turned seven times and Day fell on Cape Town while Tom slept".split()
    with open(f"{folder}/t.conllu", "w", encoding="utf-8") as file:
        for number in range(260):
            sentence = [words[(number * 7 + place * 3) % len(words)] for place in range(9)] + ["."]
            file.write(f"# text = {' '.join(sentence[:-1])}.\n")
            for place, word in enumerate(sentence, 1):
                extra = "SpaceAfter=No" if place == len(sentence) - 1 else "_"
                tag = "PUNCT" if word == "." else "NOUN"
                file.write("\t".join([str(place), word, "_", tag] + ["_"] * 5 + [extra]) + "\n")
            file.write("\n")
    session = Session([TOOL, "train", "tagger", "t.conllu", "-o", "t.safetensors", "--minutes", "0.2",
                       "--threads", "1"], 80, folder=folder)
    check(session.status == 0, f"splitter: exit code {session.status}", session)
    check(any(line.startswith("learning to cut text  step ") for line, _, _ in session.live),
          "splitter: no progress while it trains", session)
    demand_one_line(session, "splitter")


with tempfile.TemporaryDirectory() as scratch:
    for test in (widths, bars, resizing, interrupted, quiet, plain, colours, splitter):
        before = len(failures)
        if test is colours:
            train(80, scratch, "--updates", "20")
        test(scratch)
        print(f"{'ok  ' if len(failures) == before else 'FAIL'}  {test.__name__}", flush=True)
sys.exit(1 if failures else 0)
