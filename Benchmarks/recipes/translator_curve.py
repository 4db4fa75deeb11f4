#!/usr/bin/env python3
"""BLEU against training time on Tatoeba English to French, majortom beside PyTorch's script.

translator_curve.py FOLDER [MINUTES...]: trains both for each of the times (2 5 10 20 40 60), never at the same time, on
all cores; writes FOLDER/curve.tsv as it goes, leaves out what stands there already, and draws FOLDER/curve.svg.
Environment: DATA (../shared/data), TOOL, PYTHON with torch and sacrebleu, ONLY=majortom|torch for one of the two.
Both are scored by majortom score --tokens none against all right translations; PyTorch's translations are not written to
files by its script, so its figure is the one that it prints (sacreBLEU).
"""
import os
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent.parent
folder = pathlib.Path(sys.argv[1])
times = [float(word) for word in sys.argv[2:]] or [2, 5, 10, 20, 40, 60]
data = pathlib.Path(os.environ.get("DATA", root / "../shared/data"))
tool = os.environ.get("TOOL", str(root / ".build/release/majortom"))
python = os.environ.get("PYTHON", "python3")
only = os.environ.get("ONLY", "")
folder.mkdir(parents=True, exist_ok=True)
table = folder / "curve.tsv"


def output(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, **more).stdout


def known():
    rows = [line.split("\t") for line in table.read_text().splitlines()] if table.exists() else []
    return {(row[0], float(row[1])): float(row[2]) for row in rows}


def note(who, minutes, bleu):
    with open(table, "a") as file:
        file.write(f"{who}\t{minutes:g}\t{bleu}\n")
    print(f"{who}, {minutes:g} minutes: BLEU {bleu}", flush=True)


def torch(minutes):
    script = str(data.parent / "baselines/torch_translate.py")
    text = output(python, script, f"{60 * minutes:g}", "256", "64", str(folder))
    return float(re.search(r"^BLEU ([0-9.]+)", text, re.M)[1])


def majortom(minutes):
    if not (folder / "train.tsv").exists():
        output(python, str(data.parent / "baselines/torch_translate.py"), "1", "256", "64", str(folder))
    model = str(folder / "m.safetensors")
    output(
        tool, "train", "translator", str(folder / "train.tsv"), "-o", model, "--overwrite", "-q", "--seed", "1",
        "--minutes", f"{minutes:g}", "--validation", "0.005", "--patience", "0", "--precision", "bf16",
        "--min-count", "1", "--source-max-size", "10256", "--target-max-size", "15256",
    )
    references = [word for file in sorted(folder.glob("test.fr.*")) for word in ("--reference", str(file))]
    bleu = {}
    for beam in (1, 5):
        with open(folder / "test.en") as lines:
            text = output(tool, "translate", "-m", model, "--batch", "5000", "--beam", str(beam), stdin=lines)
        (folder / f"out.{beam}").write_text(text)
        score = output(tool, "score", "--tokens", "none", *references, str(folder / f"out.{beam}"))
        bleu[beam] = float(re.search(r"^BLEU\S* = ([0-9.]+)", score, re.M)[1])
    return bleu


def draw():
    """A chart by hand: logarithm of minutes to the right, BLEU upwards."""
    import math

    rows = known()
    width, height, left, top = 560, 320, 50, 20
    most = 60

    def place(minutes, bleu):
        x = left + (width - left - 20) * math.log(minutes / 2) / math.log(30)
        return f"{x:.1f},{top + (height - top - 40) * (1 - bleu / most):.1f}"

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">']
    for bleu in range(0, most + 1, 10):
        y = top + (height - top - 40) * (1 - bleu / most)
        parts.append(f'<path d="M{left} {y:.1f}H{width - 20}" stroke="#ddd"/><text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{bleu}</text>')
    for minutes in (2, 5, 10, 20, 40, 60):
        x = place(minutes, 0).split(",")[0]
        parts.append(f'<text x="{x}" y="{height - 20}" text-anchor="middle">{minutes}</text>')
    parts.append(f'<text x="{width / 2}" y="{height - 4}" text-anchor="middle">minutes of training</text><text x="8" y="14">BLEU</text>')
    colours = {"majortom": "#2a6f97", "majortom, beam 5": "#61a5c2", "PyTorch": "#d1495b"}
    for who, colour in colours.items():
        points = sorted((minutes, bleu) for (name, minutes), bleu in rows.items() if name == who)
        if not points:
            continue
        line = " ".join(place(*point) for point in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        x, y = place(*points[-1]).split(",")
        # Names of curves that end close together stand on either side of them.
        y = float(y) + (16 if who == "majortom" else -8)
        parts.append(f'<text x="{float(x) - 4}" y="{y:.1f}" text-anchor="end" fill="{colour}">{who}</text>')
    (folder / "curve.svg").write_text("\n".join(parts + ["</svg>"]) + "\n")


for minutes in times:
    if only != "torch" and ("majortom", minutes) not in known():
        for beam, bleu in majortom(minutes).items():
            note("majortom" if beam == 1 else "majortom, beam 5", minutes, bleu)
    if only != "majortom" and ("PyTorch", minutes) not in known():
        note("PyTorch", minutes, round(torch(minutes), 2))
    draw()
