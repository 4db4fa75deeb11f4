#!/usr/bin/env python3
"""Makes six kinds of pairs, from digits to sentences of 25 words: translator_kinds.py FOLDER [DATA].

FOLDER/KIND/{train,dev,test}.tsv, always the same: the sources of the three are distinct.
Sentences of 12 and of 25 words are Tatoeba's own where they are long enough, and neighbours joined where they are not.
The environment's TOOL is the majortom that spells numbers.
"""
import os
import pathlib
import random
import re
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent.parent
folder = pathlib.Path(sys.argv[1])
data = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else root / "../shared/data")
tool = os.environ.get("TOOL", str(root / ".build/release/majortom"))


def write(kind, pairs, held):
    """Keeps `held` distinct sources for each of dev and test."""
    by_source = {}
    for source, target in pairs:
        by_source.setdefault(source, []).append(target)
    sources = sorted(by_source)
    random.Random(7).shuffle(sources)
    parts = {"test": sources[:held], "dev": sources[held : 2 * held], "train": sources[2 * held :]}
    place = folder / kind
    place.mkdir(parents=True, exist_ok=True)
    for part, chosen in parts.items():
        rows = [(s, t) for s in chosen for t in (by_source[s] if part == "train" else by_source[s][:1])]
        (place / f"{part}.tsv").write_text("".join(f"{s}\t{t}\n" for s, t in rows))


def joined(pairs, words, count):
    """Rows of pairs of about `words` source words, of neighbours in a shuffled order."""
    order = pairs[:]
    random.Random(words).shuffle(order)
    made, source, target = [], [], []
    for s, t in order:
        source.append(s)
        target.append(t)
        if sum(len(x.split()) for x in source) >= words - 2:
            if len(" ".join(source).split()) <= words + 4:
                made.append((" ".join(source), " ".join(target)))
            source, target = [], []
    return made[:count]


numbers = subprocess.run(
    [tool, "corpus", "numbers", "--from", "digits", "--to", "en", "--count", "6000"], capture_output=True, text=True, check=True
).stdout.splitlines()
write("numbers", [tuple(line.split("\t")) for line in numbers], 500)
dates = (data / "mt-dates/date.txt").read_text().splitlines()
write("dates", [tuple(part.strip() for part in line.split("_")) for line in dates], 1000)
phrases = (root / "corpora/phrases.en-fr.tsv").read_text().splitlines()
write("phrases", [tuple(line.split("\t")) for line in phrases], 150)
pairs = [tuple(line.split("\t")[:2]) for line in (data / "mt-tatoeba-en-fr/fra.txt").read_text().splitlines()]
write("sentences-5", pairs, 1000)
write("sentences-12", joined(pairs, 12, 31000), 1000)
write("sentences-25", joined(pairs, 25, 12000), 1000)
for place in sorted(folder.glob("*/train.tsv")):
    rows = [re.split("\t", line) for line in place.read_text().splitlines()]
    words = sum(len(row[0].split()) for row in rows) / len(rows)
    print(f"{place.parent.name}: {len(rows):,} pairs to train on, {words:.1f} words a source")
