#!/usr/bin/env python3
"""Draws docs/pictures/terminal.svg: what majortom prints in colours, with the models of `make demo`.

    docs/pictures/terminal.py [MAJORTOM] > docs/pictures/terminal.svg

Nothing but Python's standard library. The picture has its own dark ground, so it can be read on light and dark pages.
"""
import re
import subprocess
import sys
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = 92
WIDTH, HEIGHT, SIZE = 8.4, 19, 14
TEXT, GROUND, PROMPT = "#d8dee9", "#1b2230", "#7fb4ff"
SIXTEEN = ["#3b4252", "#bf616a", "#a3be8c", "#d9b26a", "#2f6fd0", "#b48ead", "#5fa8b8", "#d8dee9",
           "#6b7489", "#d0737c", "#b5d09d", "#ebcb8b", "#81a1c1", "#c59fbf", "#8fd0cf", "#ffffff"]

COMMANDS = [
    (["generate", "--prompt", "HOB: ", "--length", "224", "--temperature", "0.4", "--seed", "1"],
     'majortom generate --prompt "HOB: " --length 224 --temperature 0.4 --seed 1'),
    (["tag", "--color", "always", "army core told Major Tom is a great battle commander"],
     'majortom tag "army core told Major Tom is a great battle commander"'),
    (["explain", "cells", "corpora/ships-log.txt", "--find", "position", "--top", "1", "--show", "230",
      "--color", "always"],
     "majortom explain cells corpora/ships-log.txt --find position --top 1 --show 230"),
]


def styled(text):
    """The characters of a text with escape sequences, each with colour, ground, bold and dim."""
    colour, ground, bold, dim = None, None, False, False
    for piece in re.split(r"(\x1b\[[0-9;]*m)", text):
        if not piece.startswith("\x1b"):
            for character in piece:
                yield character, (colour, ground, bold, dim)
            continue
        codes = [int(code or 0) for code in piece[2:-1].split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                colour, ground, bold, dim = None, None, False, False
            elif code == 1:
                bold = True
            elif code == 2:
                dim = True
            elif code in (38, 48) and codes[:1] == [2]:
                named = "#%02x%02x%02x" % tuple(codes[1:4])
                del codes[:4]
                colour, ground = (named, ground) if code == 38 else (colour, named)
            elif 30 <= code <= 37 or 90 <= code <= 97:
                colour = SIXTEEN[code - 30 if code < 40 else code - 82]
            elif 40 <= code <= 47 or 100 <= code <= 107:
                ground = SIXTEEN[code - 40 if code < 50 else code - 92]


def rows(text):
    """The rows of a terminal: lines end where they end, or before the word that does not fit."""
    for line in text.rstrip("\n").split("\n"):
        cells = list(styled(line))
        while len(cells) > COLUMNS:
            cut = max((place for place in range(COLUMNS) if cells[place][0] == " "), default=COLUMNS - 1) + 1
            yield cells[:cut]
            cells = cells[cut:]
        yield cells


def drawn(cells, y):
    """One row: runs of one style each, stretched to their columns."""
    start = 0
    while start < len(cells):
        end = start
        while end < len(cells) and cells[end][1] == cells[start][1]:
            end += 1
        text = "".join(character for character, _ in cells[start:end])
        colour, ground, bold, dim = cells[start][1]
        x, width = 18 + start * WIDTH, (end - start) * WIDTH
        if ground:
            yield f'<rect x="{x:.1f}" y="{y - 14}" width="{width + 0.3:.1f}" height="{HEIGHT}" fill="{ground}"/>'
        if text.strip():
            style = f' fill="{colour}"' if colour else ""
            style += ' font-weight="bold"' if bold else ""
            style += ' opacity="0.65"' if dim else ""
            yield f'<text x="{x:.1f}" y="{y}" textLength="{width:.1f}"{style} xml:space="preserve">{escape(text)}</text>'
        start = end


def main():
    tool = sys.argv[1] if len(sys.argv) > 1 else ROOT / ".build/release/majortom"
    screen = []
    for words, shown in COMMANDS:
        printed = subprocess.run(
            [tool, *words], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        screen.append([("$", (PROMPT, None, True, False)), (" ", (None, None, False, False))]
                      + [(character, (None, None, True, False)) for character in shown])
        screen += list(rows(printed)) + [[]]
    width, height = 36 + COLUMNS * WIDTH, 44 + len(screen[:-1]) * HEIGHT
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" '
          f'height="{height}" role="img" aria-label="majortom writes, tags and shows what a unit follows" '
          f'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" '
          f'font-size="{SIZE}" fill="{TEXT}">')
    print(f'<rect width="{width:.0f}" height="{height}" rx="10" fill="{GROUND}" stroke="#5a6478"/>')
    for number, cells in enumerate(screen[:-1]):
        for element in drawn(cells, 34 + number * HEIGHT):
            print(element)
    print("</svg>")


if __name__ == "__main__":
    main()
