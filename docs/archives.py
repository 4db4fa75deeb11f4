#!/usr/bin/env python3
"""Makes the DocC archives of all libraries of the package: docs/archives.py [--modules FOLDER]

Of what is built already (`make build`), it takes the symbol graph of each library, says which public symbols have no
comment, and has the toolchain's docc make an archive of it with the catalogue in Sources/NAME/NAME.docc; all archives
together are .build/docs/MajorTom.doccarchive. A link that leads nowhere is an error. It ends with 1 where something is
wrong. Python's standard library and the Swift toolchain are enough.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / ".build/docs"
SWIFT = os.environ.get("SWIFT", "swift")


def output_of(*command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def libraries():
    """The libraries that another package can depend on, by the manifest."""
    # A scratch folder of its own, as in the tests of the house: another command may hold the usual one.
    dump = json.loads(output_of(SWIFT, "package", "--scratch-path", OUTPUT / "manifest", "dump-package"))
    return [product["name"] for product in dump["products"] if "library" in product["type"]]


def module_maps(built):
    """Where the C targets' module maps lie."""
    found = {path.parent for path in built.glob("C*.build/module.modulemap")}
    return sorted(found | {path.parent for path in ROOT.glob("Sources/C*/module.modulemap")})


def make_symbol_graph(library, built, triple):
    """Writes the public symbols of a library with their comments; returns the folder."""
    folder = OUTPUT / "graphs" / library
    folder.mkdir(parents=True)
    includes = [argument for path in module_maps(built) for argument in ("-I", path)]
    subprocess.run(
        [SWIFT, "symbolgraph-extract", "-module-name", library, "-I", built / "Modules", *includes,
         "-target", triple, "-minimum-access-level", "public", "-skip-synthesized-members",
         "-output-dir", folder], check=True)
    return folder


def undocumented(folder):
    """The public symbols without a comment, as sentences."""
    for file in sorted(folder.glob("*.symbols.json")):
        for symbol in json.loads(file.read_text())["symbols"]:
            if "docComment" not in symbol:
                place = symbol.get("location", {})
                path = place.get("uri", "").removeprefix("file://").removeprefix(f"{ROOT}/") or folder.name
                line = place.get("position", {}).get("line", 0) + 1
                yield f"{path}:{line}: {'.'.join(symbol['pathComponents'])} is public and has no comment"


def make_archive(library, graphs, docc):
    """Converts a library's catalogue and symbols; returns the archive, or None where something is wrong."""
    archive = OUTPUT / "archives" / f"{library}.doccarchive"
    catalogue = ROOT / f"Sources/{library}/{library}.docc"
    if not catalogue.is_dir():
        print(f"{library} has no catalogue: {catalogue.relative_to(ROOT)} is where its first page goes")
        return None
    converted = subprocess.run(
        [docc, "convert", catalogue, "--additional-symbol-graph-dir", graphs,
         "--fallback-display-name", library, "--fallback-bundle-identifier", f"majortom.{library}",
         "--fallback-default-module-kind", "Library", "--warnings-as-errors", "--output-path", archive],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if converted.returncode == 0:
        return archive
    print(f"{library}:\n{converted.stdout}")
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--built", help="where the package is built (default: that of swift build -c release)")
    arguments = parser.parse_args()
    shutil.rmtree(OUTPUT, ignore_errors=True)
    (OUTPUT / "archives").mkdir(parents=True)
    built = Path(arguments.built or output_of(SWIFT, "build", "-c", "release", "--show-bin-path").strip())
    target = json.loads(output_of(SWIFT, "-print-target-info"))
    docc = Path(target["paths"]["runtimeResourcePath"]).parents[1] / "bin/docc"
    archives, problems = [], []
    for library in libraries():
        graphs = make_symbol_graph(library, built, target["target"]["unversionedTriple"])
        problems += undocumented(graphs)
        archives.append(make_archive(library, graphs, docc))
    for problem in problems:
        print(problem)
    if problems or None in archives:
        sys.exit(1)
    whole = OUTPUT / "MajorTom.doccarchive"
    subprocess.run(
        [docc, "merge", *archives, "--synthesized-landing-page-name", "MajorTom", "--output-path", whole], check=True)
    print(f"{len(archives)} libraries: python3 -m http.server -d {whole.relative_to(ROOT)} and then "
          "http://localhost:8000/documentation show them")


if __name__ == "__main__":
    main()
