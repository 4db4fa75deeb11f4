#!/usr/bin/env python3
"""The contract of docs/bulk.md: one line in, one line out, in order, of tag, translate, surprise and tokenize.

bulk.py [TOOL] [--minutes M]: trains small models in a folder of its own, and holds the four commands against it. What is
expected comes from this script alone: which lines are bad, from Python's own decoder; what a line gives among others,
from the same line in a call of its own; what memory is, from /proc. --minutes M looks at the memory of each
for so long, in place of 60,000 lines, and prints what it found.
"""
import gzip
import json
import os
import pathlib
import random
import select
import subprocess
import sys
import tempfile
import threading
import time

root = pathlib.Path(__file__).resolve().parent.parent.parent
arguments = sys.argv[1:]
minutes = 0.0
if "--minutes" in arguments:
    place = arguments.index("--minutes")
    minutes = float(arguments[place + 1])
    del arguments[place:place + 2]
tool = str(pathlib.Path(arguments[0] if arguments else root / ".build/release/majortom").resolve())
seed = int.from_bytes(os.urandom(3), "big")
chance = random.Random(seed)
LONGEST = 400
failures = []

# Whose lines name no places, so that a line gives the same wherever it stands; and those whose lines do.
LINES = {
    "tokenize": ["tokenize", "--unit", "word"],
    "tokenize json": ["tokenize", "--json"],
    "tag": ["tag", "-m", "t.safetensors"],
    "tag inline": ["tag", "-m", "t.safetensors", "--format", "inline"],
    "tag jsonl": ["tag", "-m", "t.safetensors", "--format", "jsonl"],
    "tag tokenized": ["tag", "-m", "t.safetensors", "--format", "jsonl", "--tokenized"],
    "translate": ["translate", "-m", "n.safetensors", "--max-length", "5"],
    "surprise": ["surprise", "-m", "m.safetensors", "--format", "jsonl"],
}
PLACED = {
    "tag json": ["tag", "-m", "t.safetensors", "--json"],
    "translate json": ["translate", "-m", "n.safetensors", "--max-length", "5", "--json"],
}
# The contract holds without --keep-going, too, for what reads line by line.
STRICT = {name: words + (["--lines"] if words[0] in ("tag", "surprise") and "--tokenized" not in words else [])
          for name, words in LINES.items()}


def check(holds, sentence):
    if not holds:
        failures.append(sentence)
        print(f"FAIL  {sentence} (seed {seed})")


def run(words, given=b"", code=0):
    done = subprocess.run([tool] + words, input=given, capture_output=True, timeout=120)
    check(done.returncode == code, f"{' '.join(words)}: exit code {done.returncode}, not {code}: {done.stderr[-300:]}")
    return done.stdout, done.stderr.decode()


def last(errors):
    """The last sentence of standard error: before it, translate may tell of what it does not know."""
    return errors.rstrip("\n").split("\n")[-1]


def fault(line):
    """What must be wrong with a line, by Python's decoder and the limit; None for a line that is right."""
    if len(line) > LONGEST:
        return f"longer than {LONGEST} bytes"
    try:
        line.decode("utf-8", "strict")
        return None
    except UnicodeDecodeError:
        return "not valid UTF-8"


NASTY = [
    b"", b" ", b"\0\0\0", b"\0", b"a\0b", b"\r", b"one two\r", b"\xff", b"\xc3", b"caf\xc3\xa9", b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80", b"\xc0\x80", b"x" * LONGEST, b"y" * (LONGEST + 1), b"z" * 70_000, b"\xe2\x80\xa8line\xc2\x85end",
    b"\xef\xbb\xbfone", "Major Tom 👩‍🚀 née Zoë".encode(), b"\x1b[31mred", b"<PER>&amp;</PER>", b"[Tom]PER", b"\\n\\",
    b'{"error":{"message":"not valid UTF-8"}}', b"(", b"\x28\xb5", b"one\ttwo", b"\x0b\x0c one",
]
WORDS = [b"one", b"two", b"Major", b"Tom", b"lost", b"Day", b"lamp", b".", b",", b"in", b"London"]


def lines(count):
    """Right and wrong lines in any order, all the nasty ones among them."""
    made = list(NASTY)
    while len(made) < count:
        kind = chance.random()
        if kind < 0.8:
            made.append(b" ".join(chance.choices(WORDS, k=chance.randint(1, 12))))
        elif kind < 0.9:
            made.append(bytes(chance.choices([b for b in range(256) if b != 10], k=chance.randint(1, 30))))
        else:
            made.append(chance.choice(NASTY))
    chance.shuffle(made)
    # What begins as compressed data do is taken for such.
    return [b"first"] + made


def one_line_each():
    """Every line has one line in its place: its own, or an error; whatever batches and blocks it came in."""
    given = lines(150)
    whole = b"\n".join(given) + b"\n"
    alone = sorted({line for line in given if fault(line) is None})
    for name, words in {**LINES, **PLACED}.items():
        words = words + ["--keep-going", "--max-line", str(LONGEST)]
        output, errors = run(words, whole)
        found = output.split(b"\n")
        check(found.pop() == b"" and len(found) == len(given), f"{name}: {len(found)} lines for {len(given)}")
        bad = [number for number, line in enumerate(given, 1) if fault(line)]
        for line, answer in zip(given, found):
            expected = fault(line)
            if expected:
                check(json.loads(answer) == {"error": {"message": expected}}, f"{name}: {line[:40]} gives {answer[:80]}")
            elif name in PLACED or "json" in name:
                check("error" not in json.loads(answer), f"{name}: {line[:40]} gives {answer[:80]}")
        told = [text for text in errors.split("\n") if "bad line" in text]
        check(told == [f"majortom: {len(bad)} bad lines of {len(given)}, with an error in place of each: "
                       + ", ".join(f"line {number}" for number in bad[:10]) + f" and {len(bad) - 10} more"],
              f"{name}: {told}")
        # A last line without an end is a line; a file gives the same as a stream, but for its name.
        check(run(words, whole[:-1])[0] == output, f"{name}: without the last line's end")
        check(run(words, gzip.compress(whole))[0] == output, f"{name}: gzip")
        pathlib.Path("given").write_bytes(whole)
        if name not in PLACED:
            check(run(words + ["--file", "given"])[0] == output, f"{name}: --file")
        for batch in ("1", "7", "1000") if words[0] in ("tag", "translate") else ():
            check(run(words + ["--batch", batch], whole)[0] == output, f"{name}: --batch {batch}")
        check(dribbled(words, whole) == output, f"{name}: in small pieces")
        if name in LINES:
            check_alone(name, words, given, found, alone)


def check_alone(name, words, given, found, alone):
    """A few lines give among others what each gives alone."""
    answers = dict(zip(given, found))
    for line in chance.sample(alone, 6) + [b"", b"\0"]:
        expected = run(words, line + b"\n")[0]
        check(answers.get(line, expected[:-1]) + b"\n" == expected, f"{name}: {line[:40]} alone")


def dribbled(words, whole):
    """The output for an input that comes in pieces of any length."""
    process = subprocess.Popen([tool] + words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def write():
        at = 0
        while at < len(whole):
            size = chance.choice([1, 3, 50, 5_000, 40_000])
            process.stdin.write(whole[at:at + size])
            process.stdin.flush()
            at += size
            if chance.random() < 0.1:
                time.sleep(0.002)
        process.stdin.close()

    writer = threading.Thread(target=write)
    writer.start()
    output = process.stdout.read()
    writer.join()
    process.wait(timeout=60)
    return output


def answers_at_once():
    """Who waits for the answer to each line before the next one gets it, whatever the batch."""
    for name, words in STRICT.items():
        if words[0] in ("tag", "translate"):
            words = words + ["--batch", "100"]
        for more in ([], ["--keep-going"]):
            process = subprocess.Popen(
                [tool] + words + more, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
            for text in (b"one two\n", b"\n", b"(\n", b"Major Tom\n\nLondon\n"):
                process.stdin.write(text)
                for _ in range(text.count(b"\n")):
                    answered = line_of(process.stdout)
                    check(answered is not None, f"{name}: no answer to {text} while the input is open")
                    if answered is None:
                        break
            process.stdin.close()
            check(process.wait(timeout=60) == 0, f"{name}: exit code {process.returncode}")


def line_of(stream):
    """A line of a stream that has no buffer; None where none comes."""
    line = b""
    while not line.endswith(b"\n"):
        if not select.select([stream], [], [], 60)[0]:
            return None
        byte = stream.read(1)
        if not byte:
            return None
        line += byte
    return line


def first_bad_line_ends():
    """Without --keep-going what stands before the bad line comes out, then a sentence with its number."""
    good = [b"one two", b"", b"Tom", b"two one", b"London"]
    for name, words in STRICT.items():
        right = run(words, b"\n".join(good) + b"\n")[0]
        check(right.count(b"\n") == len(good), f"{name}: {right.count(bytes([10]))} lines for {len(good)}")
        output, errors = run(words, b"\n".join(good) + b"\n\xff\nmore\n", code=1)
        check(output == right, f"{name}: {output[-80:]} before the bad line")
        check(last(errors) == "majortom: standard input, line 6: not valid UTF-8; convert it, as with iconv", f"{name}: {errors}")
        output, errors = run(words + ["--max-line", "20"], b"\n".join(good) + b"\n" + b"x" * 21 + b"\nmore\n", code=1)
        check(output == right and "standard input, line 6: longer than 20 bytes" in errors, f"{name}: {errors}")
    force = ["translate", "-m", "n.safetensors", "--force"]
    pairs = b"one two\ttwo one\n\nno tab\ntwo one\tone two"
    output, errors = run(force, pairs, code=1)
    check(output.count(b"\n") == 2 and errors.startswith("majortom: line 3: there is no tab"), f"--force: {errors}")
    output, errors = run(force + ["--keep-going"], pairs)
    check(output.count(b"\n") == 4 and b"no tab" in output.split(b"\n")[2], f"--force --keep-going: {output}")
    # A text that no model reads is a bad line like others.
    huge = b"a b " * 30_000
    words = ["translate", "-m", "n.safetensors", "--max-length", "5", "--max-line", "1000000"]
    output, errors = run(words + ["--keep-going"], b"one\n" + huge + b"\ntwo\n")
    check("error" in json.loads(output.split(b"\n")[1]) and output.count(b"\n") == 3, f"huge: {output[:200]}")
    output, errors = run(words, b"one\n" + huge + b"\ntwo\n", code=1)
    check(output.count(b"\n") == 1 and last(errors).startswith("majortom: line 2: "), f"huge: {errors}")


def ends_of_inputs():
    for name, words in LINES.items():
        words = words + ["--keep-going"]
        check(run(words)[0] == b"", f"{name}: no lines")
        check(run(words, b"\n")[0].count(b"\n") == 1, f"{name}: an empty line")
        check(run(words, b"\n\n\n")[0].count(b"\n") == 3, f"{name}: empty lines")
        check(run(words, b"\xff")[0] == b'{"error":{"message":"not valid UTF-8"}}\n', f"{name}: a bad end")
    pathlib.Path("one").write_bytes(b"one\n\xff")
    pathlib.Path("two").write_bytes(b"two\n")
    output, errors = run(["tokenize", "--keep-going", "--file", "one", "two"])
    check(output == b'o|n|e\n{"error":{"message":"not valid UTF-8"}}\nt|w|o\n' and "one:2" in errors, f"files: {output} {errors}")
    output, errors = run(["tokenize", "--keep-going", "--file", "one", "none"], code=1)
    check(output.startswith(b"o|n|e\n") and "none" in errors, f"a file that is not there: {errors}")


def broken_pipe():
    """Who has read enough ends the tool in silence."""
    for name, words in LINES.items():
        process = subprocess.Popen(
            [tool] + words + ["--keep-going"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

        def write():
            try:
                for _ in range(40_000):
                    process.stdin.write(b"one two\n")
                process.stdin.close()
            except BrokenPipeError:
                pass

        writer = threading.Thread(target=write)
        writer.start()
        process.stdout.readline()
        process.stdout.close()
        errors = [line for line in process.stderr.read().split(b"\n")[:-1] if b"(--max-length)" not in line]
        code = process.wait(timeout=60)
        writer.join()
        check(code == 0 and not errors, f"{name}: a broken pipe ends with {code} and {errors[-2:]}")


def memory(process):
    """The resident memory of a process in KiB: now, and the most so far."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    rows = dict(line.split(":", 1) for line in status.splitlines())
    return int(rows["VmRSS"].split()[0]), int(rows["VmHWM"].split()[0])


def constant_memory():
    """Memory does not grow with lines, nor with a line that is too long."""
    given = [line for line in lines(4_000) if len(line) < 10_000]
    for name in ("tokenize", "tag jsonl", "translate", "surprise"):
        count = 60_000 if name == "tokenize" else 15_000
        process = subprocess.Popen(
            [tool] + LINES[name] + ["--keep-going"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        answered = [0]

        def read():
            while block := process.stdout.read(1 << 20):
                answered[0] += block.count(b"\n")

        reader = threading.Thread(target=read)
        reader.start()
        written, first = 0, None
        began = time.monotonic()
        while written < count or time.monotonic() < began + 60 * minutes:
            process.stdin.write(b"\n".join(given) + b"\n")
            written += len(given)
            # By then it has met all kinds of lines.
            if first is None and written >= count / 4:
                first = memory(process)[0]
        took = time.monotonic() - began
        last_size = memory(process)[0]
        check(last_size - first < 16_384, f"{name}: memory grew from {first} to {last_size} KiB")
        # A line without end: 64 MiB, of which nothing is kept.
        for _ in range(64):
            process.stdin.write(b"x" * (1 << 20))
        process.stdin.write(b"\n")
        process.stdin.flush()
        most = memory(process)[1]
        check(most - last_size < 32_768, f"{name}: memory grew from {last_size} to {most} KiB by a long line")
        process.stdin.close()
        reader.join()
        check(process.wait(timeout=60) == 0 and answered[0] == written + 1, f"{name}: {answered[0]} lines of {written + 1}")
        if minutes:
            print(f"{name}: {written:,} lines in {took:.0f} s, {first} KiB at first, {last_size} at the end, {most} at most")


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        # The tool's own name stands in its sentences.
        os.symlink(tool, "majortom")
        globals()["tool"] = f"{folder}/majortom"
        text = "\n".join(f"Day {day}. The lamp was lit, and Tom wrote it down." for day in range(90)) + "\n"
        pathlib.Path("story.txt").write_text(text)
        numbers = "one two three four five six".split()
        pathlib.Path("pairs.tsv").write_text("".join(f"{a} {b}\t{b} {a}\n" for a in numbers for b in numbers))
        small = ["--seed", "1", "-q", "--threads", "1"]
        names = root / "corpora/names"
        run(["train", "lm", "story.txt", "-o", "m.safetensors", "--hidden", "16", "--updates", "20", "--batch", "4",
             "--steps", "32"] + small)
        run(["train", "tagger", f"{names}/train.conll", "--dev", f"{names}/dev.conll", "-o", "t.safetensors",
             "--epochs", "2", "--hidden", "16"] + small)
        run(["train", "translator", "pairs.tsv", "-o", "n.safetensors", "--epochs", "3", "--hidden", "16",
             "--embedding", "16"] + small)
        for part in (one_line_each, answers_at_once, first_bad_line_ends, ends_of_inputs, broken_pipe, constant_memory):
            before, began = len(failures), time.monotonic()
            part()
            print(f"{'ok  ' if len(failures) == before else 'FAIL'}  {part.__name__}  {time.monotonic() - began:.1f} s")
    if failures:
        sys.exit(f"bulk.py: {len(failures)} failures (seed {seed})")


if __name__ == "__main__":
    main()
