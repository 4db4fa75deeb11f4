"""Writes Tests/TaggerTests/Fixtures/spans.json: seqeval's figures for tags, in conlleval's layout.

Needs `pip install seqeval`. Run from the root of the repository: python3 Tests/Fixtures/spans.py

The tags are random, in IOB1, IOB2 and BIOES, with many sequences that break the scheme. seqeval in
its default mode reads them as conlleval does; percentages are printed by C's rules.
"""
import json
import pathlib
import random
import warnings

from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

warnings.filterwarnings("ignore")
MARKS = {"iob1": "BII", "iob2": "BIII", "bioes": "BIES"}
cases = []
for number, (scheme, marks) in enumerate(MARKS.items()):
    for size in (3, 40, 200):
        draw = random.Random(10 * number + size)

        def tag():
            return "O" if draw.random() < 0.4 else draw.choice(marks) + "-" + draw.choice(["PER", "LOC", "ORG"])

        right = [[tag() for _ in range(draw.randint(1, 12))] for _ in range(size)]
        found = [[t if draw.random() < 0.8 else tag() for t in sentence] for sentence in right]
        types = sorted({entity[0] for rows in (right, found) for entity in get_entities(rows)})

        def counts(kind):
            r = {e for e in get_entities(right) if kind in (None, e[0])}
            f = {e for e in get_entities(found) if kind in (None, e[0])}
            return len(r), len(f), len(r & f)

        total = counts(None)
        tokens = sum(map(len, right))
        precision, recall, f1 = (100 * score(right, found) for score in (precision_score, recall_score, f1_score))
        rows = []
        for kind in types:
            keep = lambda rows: [[t if t.endswith(kind) else "O" for t in s] for s in rows]
            pair = keep(right), keep(found)
            rows.append([kind] + [100 * float(s(*pair)) for s in (precision_score, recall_score, f1_score)]
                        + [counts(kind)[1]])
        head = f"processed {tokens} tokens with {total[0]} phrases; found: {total[1]} phrases; correct: {total[2]}."
        cases.append({
            "scheme": scheme, "right": right, "found": found, "head": head,
            "accuracy": accuracy_score(right, found),
            "figures": "precision: %6.2f%%; recall: %6.2f%%; FB1: %6.2f" % (precision, recall, f1),
            "rows": ["%17s: precision: %6.2f%%; recall: %6.2f%%; FB1: %6.2f  %d" % tuple(row) for row in rows],
            "entities": [[list(e) for e in get_entities(s)] for s in right],
        })
path = pathlib.Path("Tests/TaggerTests/Fixtures/spans.json")
path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
