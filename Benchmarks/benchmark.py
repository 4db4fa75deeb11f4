#!/usr/bin/env python3
"""All that is measured of majortom, in one run: JSON and Markdown with the machine, the versions and the date.

    benchmark.py [--quick] [--only training,generation,...] [--output FOLDER]

Rivals are optional: a section without its rival measures majortom alone and says so, and a section
that fails leaves the others as they are. `benchmark.py --help` lists the options.
"""
import argparse
import json
import os
import shutil
import sys
import tempfile
import time
import traceback

import alone
import machine
import report
import versus
from measure import Unavailable, Workplace

# Section: what measures it, and the most seconds it may take, in full and quick. Together with a call
# that is under way when they are up, they end in 30 and in 5 minutes. 0: left out.
SECTIONS = {
    "training": (versus.training, 400, 80),
    "generation": (versus.generation, 260, 40),
    "products": (versus.products, 60, 12),
    "startup": (alone.startup, 20, 4),
    "busy": (alone.busy, 90, 12),
    "tagging": (versus.tagging, 200, 30),
    "memory": (alone.memory, 510, 78),
    "translation": (alone.translation, 60, 15),
    "interchange": (versus.interchange, 30, 0),
    "allocations": (alone.allocations, 15, 0),
}


def default_python():
    if os.environ.get("PYTHON"):
        return os.environ["PYTHON"]
    return "peers/bin/python" if os.access("peers/bin/python", os.X_OK) else "python3"


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="in 5 minutes, with 3 alternations")
    parser.add_argument("--only", default="", help="sections, with commas between them: " + ",".join(SECTIONS))
    parser.add_argument("--output", default="Benchmarks/results", help="folder of benchmark.json and benchmark.md")
    parser.add_argument("--tool", default=".build/release/majortom")
    parser.add_argument("--python", default=default_python(), help="interpreter that has torch, onnxruntime, flair")
    parser.add_argument("--rivals", default="../shared/baselines", help="its neighbour data/ is where the data are")
    parser.add_argument("--data", help="published data sets; by default beside --rivals, else the project's own corpora")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, help="alternations (default: 5, quick 3)")
    parser.add_argument("--memory-minutes", type=float, help="of each of the two trainings (default: 4, quick 0.5)")
    options = parser.parse_args()
    unknown = set(filter(None, options.only.split(","))) - set(SECTIONS)
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    options.memory_given = options.memory_minutes is not None
    options.memory_minutes = options.memory_minutes or (0.5 if options.quick else 4)
    options.data = options.data or os.path.join(options.rivals, "..", "data")
    options.tool = os.path.abspath(options.tool)
    return options


def wanted(options):
    if options.only:
        return [name for name in SECTIONS if name in options.only.split(",")]
    return [name for name, (_, _, quick) in SECTIONS.items() if quick or not options.quick]


def seconds_for(name, options, left):
    """What a section may take: its part, or what is left of the whole where others took longer."""
    _, full, quick = SECTIONS[name]
    if name == "memory" and options.memory_given:
        return 120 * options.memory_minutes + 30
    # A section that is asked for by name in a quick run has its full time where it has no quick one.
    return max(5, min(left, quick or full if options.quick else full))


def measured(name, place, options, left):
    """A section's figures, or why there are none: no failure here may cost the others theirs."""
    place.section_ends = time.monotonic() + seconds_for(name, options, left)
    try:
        return SECTIONS[name][0](place)
    except Unavailable as problem:
        return {"title": name.capitalize(), "problem": str(problem)}
    except Exception as problem:
        traceback.print_exc()
        return {"title": name.capitalize(), "problem": f"{type(problem).__name__}: {problem}"}
    finally:
        for script in {key[0] for key in place._rivals}:
            place.dismiss(script)


def measure_peaks(place, result):
    """Before every section again, since what else the machine does comes and goes; the best counts."""
    again = machine.peaks_or_none(place, result["notes"])
    result["peaks"] = machine.better_peaks(result["peaks"], again)


def write(result, folder):
    """Both files, after every section, so that what is measured stays when the rest is broken off."""
    machine.add_shares(result)
    result["machine"]["load_at_end"] = [round(value, 2) for value in os.getloadavg()]
    os.makedirs(folder, exist_ok=True)
    for name, text in (("benchmark.json", json.dumps(result, indent=1) + "\n"),
                       ("benchmark.md", report.markdown(result))):
        path = os.path.join(folder, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(path + ".new", path)


def main():
    options = arguments()
    if not os.access(options.tool, os.X_OK):
        sys.exit(f"benchmark.py: no {options.tool}: swift build -c release makes it")
    begin, folder = time.monotonic(), tempfile.mkdtemp(prefix="majortom-benchmark-")
    try:
        place = Workplace(options, folder)
        result = {"quick": options.quick, "rounds": place.rounds, "machine": machine.facts(place), "notes": [],
                  "peaks": None, "sections": {}, "seconds": 0}
        if result["machine"]["load_is_high"]:
            print("benchmark.py: other work is running, so figures will be too low", file=sys.stderr)
        for name in wanted(options):
            measure_peaks(place, result)
            print(f"{name}, {time.monotonic() - begin:.0f} s", file=sys.stderr)
            left = begin + (280 if options.quick else 1720) - time.monotonic()
            result["sections"][name] = measured(name, place, options, left)
            result["seconds"] = time.monotonic() - begin
            write(result, options.output)
        measure_peaks(place, result)
        result["seconds"] = time.monotonic() - begin
        write(result, options.output)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(report.markdown(result), end="")
    print(f"benchmark.py: {result['seconds']:.0f} s, all in {options.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
