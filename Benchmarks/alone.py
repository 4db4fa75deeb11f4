"""The sections of benchmark.py that watch majortom by itself: starts, a busy machine, memory, search, heap."""
import os
import random
import re
import subprocess
import sys
import time

from measure import Unavailable, alternate, compared, last_line, spread
from versus import tagging_data

FIRST_UPDATES = 500


def startup(place):
    """From the start of the program to its first character, with a model of about 18 MB."""
    model = place.model(512)
    times = [place.seconds("generate", "-m", model, "-p", "Day", "-n", 1, "--seed", 1)
             for _ in range(2 * place.rounds)]
    figures = {"model_bytes": os.path.getsize(model), "seconds": times} | spread(times)
    line = (f"{len(times)} starts with a model of {figures['model_bytes'] / 1e6:.1f} MB: {figures['median'] * 1e3:.0f} ms to "
            f"the first character and exit (median; {figures['smallest'] * 1e3:.0f} to {figures['largest'] * 1e3:.0f})")
    return {"title": "Start", "rows": [], "figures": figures, "lines": [line], "notes": []}


def busy(place):
    """Writing alone, and beside two loops that keep two processors busy."""
    rows, most = [], 3
    for hidden, length in ((128, 10000), (512, 3000)):
        def write():
            return place.seconds("generate", "-m", place.model(hidden), "-n", length, "--seed", 1)

        def beside():
            loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
            try:
                time.sleep(0.2)
                return write()
            finally:
                for loop in loops:
                    loop.kill()
                    loop.wait()

        place.model(hidden)
        row = compared(f"{length:,} characters with 2x{hidden}", "alone", "beside two busy loops",
                       alternate(place, {"alone": write, "beside two busy loops": beside}, 2 - len(rows)), "s")
        if "ratio" in row:
            row["within"] = {"most": most, "holds": row["ratio"]["median"] <= most}
        elif row["ours_seconds"] and row["problems"]:
            row["within"] = {"most": most, "holds": False}
        rows.append(row)
    return {"title": "Generation on a busy machine", "rows": rows, "notes": [
        f"Default options; the ratio is busy time over time alone, and is to be {most} at most: "
        + ", ".join(f"{row['what']} {'holds' if row['within']['holds'] else 'does not hold'}"
                    for row in rows if "within" in row) + "."]}


def resident(process):
    """Bytes of a process in memory now."""
    with open(f"/proc/{process}/status", encoding="ascii") as file:
        found = re.search(r"VmRSS:\s*(\d+) kB", file.read())
    return int(found[1]) * 1024 if found else None


def slope(points):
    """Of the line through points of (x, y) with the least squares."""
    if len(points) < 3:
        return None
    middle, height = (sum(values) / len(points) for values in zip(*points))
    spread_of_x = sum((x - middle) ** 2 for x, _ in points)
    return sum((x - middle) * (y - height) for x, y in points) / spread_of_x if spread_of_x else None


def watched(place, name, command, minutes):
    """Trains for some minutes; memory twice a second, and the updates that the progress lines tell."""
    log = place.path(f"{name}.log")
    samples, updates = [], []
    with open(log, "w+", encoding="utf-8") as errors, open(log, encoding="utf-8") as told:
        begin = time.monotonic()
        process = subprocess.Popen(
            [str(part) for part in (place.tool, *command, "--minutes", minutes, "--patience", 0)],
            stdout=subprocess.DEVNULL, stderr=errors)
        while process.poll() is None:
            now = time.monotonic() - begin
            if now > 90 * minutes + 120:
                process.kill()
            for found in re.finditer(r"step ([\d,]+)/", told.read()):
                updates.append((now, int(found[1].replace(",", ""))))
            try:
                samples.append((now, resident(process.pid)))
            except OSError:
                break
            time.sleep(0.5)
        process.wait()
        errors.seek(0)
        if process.returncode != 0:
            raise Unavailable(last_line(errors.read()))
    return summarised(name, [(t, b) for t, b in samples if b], updates)


def summarised(name, samples, updates):
    total = updates[-1][1] if updates else 0
    # A machine that is too slow for 500 updates still tells something after half of what it made.
    skipped = FIRST_UPDATES if total >= 2 * FIRST_UPDATES else total // 2
    begin = next((t for t, update in updates if update >= skipped), 0)
    # The last samples are those of a program that takes its memory apart.
    end = updates[-1][0] if updates else 0
    steady = [(t, b) for t, b in samples if begin <= t <= end]
    figures = {"what": name, "updates": total, "updates_skipped": skipped, "bytes_per_second": slope(steady),
               "largest_bytes": max((b for _, b in samples), default=None), "samples": [[round(t, 1), b] for t, b in samples]}
    if figures["bytes_per_second"] is None:
        figures["line"] = f"{name}: no slope, as there were only {total:,} updates"
        return figures
    figures |= {"first_bytes": steady[0][1], "last_bytes": steady[-1][1], "seconds": steady[-1][0] - steady[0][0]}
    figures["line"] = (
        f"{name}: {figures['bytes_per_second']:+,.0f} bytes/s over {figures['seconds']:.0f} s and {total - skipped:,} updates "
        f"after the first {skipped}; {steady[0][1] / 1e6:.1f} MB at their start, {steady[-1][1] / 1e6:.1f} MB at their "
        f"end, at most {figures['largest_bytes'] / 1e6:.1f} MB")
    return figures


def pairs(place):
    """Ragged pairs to learn from and sentences kept aside, cut by what is read: TSV, text."""
    source = os.path.join(place.data, "mt-tatoeba-en-fr", "fra.txt")
    if not os.path.exists(source):
        source = os.path.join(place.here, "..", "corpora", "phrases.en-fr.tsv")
    learn, held = place.path("pairs.tsv"), place.path("held-out")
    if not os.path.exists(held):
        by_source = {}
        with open(source, encoding="utf-8") as file:
            for line in file:
                columns = line.rstrip("\n").split("\t")
                if len(columns) >= 2 and len(columns[0].split()) <= 20:
                    by_source.setdefault(columns[0], []).append(columns[1])
        read = sorted(by_source)
        random.Random(1).shuffle(read)
        aside = min(1000, len(read) // 10)
        with open(learn, "w", encoding="utf-8") as file:
            file.writelines(f"{s}\t{t}\n" for s in read[aside:] for t in by_source[s])
        with open(held, "w", encoding="utf-8") as file:
            file.writelines(s + "\n" for s in read[:aside])
    return learn, held


def translator_command(place):
    return ["train", "translator", pairs(place)[0], "-o", place.path("translator"), "--overwrite", "--unit", "word",
            "--min-count", 1, "--source-max-size", 10256, "--target-max-size", 15256, "--cutoffs", 2000,
            "--validation", 0.005, "--hidden", 256, "--embedding", 256, "--precision", "bf16"]


def memory(place):
    """Tagger, then translator, trained on sentences as ragged as they come: does memory grow?"""
    train, dev, _ = tagging_data(place)
    minutes = place.memory_minutes
    # One after the other, as each would disturb the other; both end in time on a slow machine too.
    minutes = max(0.3, min(minutes, (place.left() / 60 - 0.3) / 2))
    figures, lines, notes = [], [], []
    for name, command in (
        ("tagger", ["train", "tagger", train, "--dev", dev, "-o", place.path("tagger"), "--overwrite"]),
        ("translator", translator_command(place)),
    ):
        try:
            small = ["--batch", 16] if place.quick else []  # more updates in the little time
            figures.append(watched(place, name, command + small, minutes))
            lines.append(figures[-1].pop("line"))
        except Unavailable as problem:
            notes.append(f"{name}: {problem}")
    notes.insert(0, f"{minutes:.1f} minutes each, validations and checkpoints included; memory that is resident, "
                 "twice a second; a line fitted by least squares.")
    return {"title": "Memory in training", "rows": [], "figures": figures, "lines": lines, "notes": notes}


def translation(place):
    """Greedy search and a beam of 5, on sentences that training did not see."""
    model, (_, held) = place.path("translator"), pairs(place)
    if not os.path.exists(model):
        place.majortom(*translator_command(place), "--minutes", 0.3 if place.quick else 1, "--patience", 0, "--quiet")

    def translate(beam):
        def program():
            with open(held, encoding="utf-8") as file:
                return place.seconds("translate", "-m", model, "--batch", 1000, "--beam", beam, stdin=file)
        return program

    with open(held, encoding="utf-8") as file:
        count = sum(1 for _ in file)
    row = compared("translate", "greedy", "beam of 5",
                   alternate(place, {"greedy": translate(1), "beam of 5": translate(5)}), "ms/sentence", count)
    return {"title": "Translator's search", "rows": [row], "notes": [
        f"{count:,} sentences in one batch, start and reading included; the ratio is the beam's time over greedy's. "
        "The network has had little training."]}


def allocations(place):
    """What an update asks of the heap: the difference between 200 and 100 updates."""
    library, counts = place.path("allocations.so"), {}
    place.run("cc", "-O2", "-shared", "-fPIC", "-o", library, os.path.join(place.here, "allocations.c"))
    for updates in (100, 200):
        done = subprocess.run(
            [place.tool, "train", "lm", place.corpus, "-o", place.path("heap"), "--overwrite", "--hidden", "64", "--batch", "16",
             "--steps", "32", "--updates", str(updates), "--validation", "0", "--quiet"],
            env=os.environ | {"LD_PRELOAD": library}, capture_output=True, text=True, timeout=300)
        found = re.search(r"allocations (\d+), of 4 KiB and more (\d+), bytes (\d+)", done.stderr)
        if not found:
            raise Unavailable(last_line(done.stderr))
        counts[updates] = [int(number) for number in found.groups()]
    calls, large, size = ((late - early) / 100 for early, late in zip(counts[100], counts[200]))
    figures = {"calls": calls, "of_4_kib_and_more": large, "bytes": size}
    return {"title": "Allocations of an update", "rows": [], "figures": figures, "notes": [],
            "lines": [f"2 x 64, batch 16, 32 steps: {calls:,.0f} calls, {large:,.2f} of them of 4 KiB and more, {size:,.0f} bytes"]}
