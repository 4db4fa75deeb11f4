#!/usr/bin/env python3
"""Calls of the tool, right and wrong, with what each says first.

calls.py [TOOL] [WORD]: makes small data and models in a folder of its own, then runs each line of calls.tsv (those that
hold WORD) there and compares: exit code, command, first line. A command is run by bash with $MAJORTOM as the tool. The
first line is that of standard output, or of standard error where the tool fails or prints nothing else; an ellipsis … stands
for anything. Lines that begin with # are headings.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

here = pathlib.Path(__file__).resolve().parent
root = here.parent.parent
tool = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else root / ".build/release/majortom").resolve()
word = sys.argv[2] if len(sys.argv) > 2 else ""


def rows():
    for number, line in enumerate((here / "calls.tsv").read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        cells = line.split("\t", 2)
        if len(cells) != 3:
            sys.exit(f"calls.tsv:{number}: {len(cells)} columns, not 3")
        yield number, int(cells[0]), cells[1], cells[2]


def run(command, folder, environment):
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def first(text):
    return next((line for line in text.split("\n") if line.strip()), "")


def main():
    wrong = total = 0
    with tempfile.TemporaryDirectory() as folder:
        environment = {key: value for key, value in os.environ.items() if key not in ("MAJORTOM_MODEL", "NO_COLOR", "COLUMNS")}
        environment.update(MAJORTOM=str(tool), ROOT=str(root), HOME=folder, LC_ALL="C.UTF-8", TERM="dumb")
        # Commands name files of the repository as someone does who works in it.
        for name in ("Tests", "corpora", "README.md", "CHANGELOG.md", "docs", "Sources"):
            os.symlink(root / name, pathlib.Path(folder) / name)
        environment["TMPDIR"] = folder + "/tmp"
        os.mkdir(environment["TMPDIR"])
        code, output, errors = run((here / "prepare.sh").read_text(), folder, environment)
        if code:
            sys.exit(f"prepare.sh failed with {code}:\n{output}{errors}")
        for number, code, command, expected in rows():
            if word not in command:
                continue
            total += 1
            found, output, errors = run(command, folder, environment)
            line = first(errors) if found and errors.strip() or not output.strip() else first(output)
            expected = expected.replace("$TMPDIR", environment["TMPDIR"])
            pattern = ".*".join(re.escape(part) for part in expected.split("…"))
            if found != code or not re.fullmatch(pattern, line):
                wrong += 1
                print(f"calls.tsv:{number}: {command}\n  expected {code}: {expected}\n  found    {found}: {line}")
    print(f"{total} calls, {wrong} not as expected")
    sys.exit(1 if wrong else 0)


main()
