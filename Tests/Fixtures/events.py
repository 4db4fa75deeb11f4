"""Reads a file of events by TensorBoard, and compares it with the metrics.csv of the same run.

Needs `pip install tensorboard`. Run from the root of the repository:

    python3 Tests/Fixtures/events.py [METRICS.CSV EVENTS START_TIME]

Without arguments it reads the fixtures of Tests/TrainingTests, which hold the bytes that
EventFileTests expects. Where EventFile writes something else on purpose, make them anew:

    MAJORTOM_EVENTS=$PWD/Tests/TrainingTests/Fixtures/events.tfevents \\
      swift test -c release -Xswiftc -enable-testing --filter EventFileTests
"""
import csv
import json
import math
import struct
import sys

from tensorboard.backend.event_processing import event_file_loader
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

FOLDER = "Tests/TrainingTests/Fixtures/"
table, events, start = sys.argv[1:] or [FOLDER + "events.csv", FOLDER + "events.tfevents", 1_700_000_000.25]
TAGS = {
    "loss/training": "loss",
    "loss/validation": "validation",
    "f1/validation": "validation",
    "rate": "rate",
    "gradient_norm": "gradient_norm",
    "tokens_per_second": "tokens_per_second",
    "memory_bytes": "memory_bytes",
    "epoch": "epoch",
}


def single(value):
    """The number as four bytes hold it; infinite where they cannot."""
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.inf


rows = list(csv.DictReader(open(table, encoding="utf-8", newline="")))
versions = [event.file_version for event in event_file_loader.EventFileLoader(events).Load()]
assert versions[0] == "brain.Event:2" and not any(versions[1:]), versions

accumulator = EventAccumulator(events, size_guidance={"scalars": 0, "tensors": 0})
accumulator.Reload()
compared = 0
# TensorBoard turns simple values into tensors of one number as it reads them.
tags = [tag for kind in ("scalars", "tensors") for tag in accumulator.Tags()[kind]]
for tag in tags:
    if tag == "sample":
        continue
    known = [(int(row["update"]), float(row["seconds"] or 0), single(float(row[TAGS[tag]])))
             for row in rows if row[TAGS[tag]] and not (tag == "memory_bytes" and row[TAGS[tag]] == "0")]
    kept = [row for row in known if math.isfinite(row[2])]
    if tag in accumulator.Tags()["scalars"]:
        found = [(event.step, event.wall_time, event.value) for event in accumulator.Scalars(tag)]
    else:
        found = [(event.step, event.wall_time, event.tensor_proto.float_val[0]) for event in accumulator.Tensors(tag)]
    assert len(found) == len(kept), (tag, found, kept)
    for (step, time, value), (update, seconds, expected) in zip(found, kept):
        assert step == update and time == float(start) + seconds and value == expected, (tag, step)
        compared += 1

samples = [(int(row["update"]), json.loads(f'"{row["sample"]}"')) for row in rows if row["sample"]]
if samples:
    metadata = accumulator.SummaryMetadata("sample")
    assert metadata.plugin_data.plugin_name == "text", metadata
    found = [(event.step, event.tensor_proto.string_val[0].decode()) for event in accumulator.Tensors("sample")]
    expected = [(step, "\n".join("    " + line for line in sample.split("\n"))) for step, sample in samples]
    assert found == expected, (found, expected)
print(f"{events}: {len(rows)} rows, {compared} numbers and {len(samples)} samples as in {table}")
