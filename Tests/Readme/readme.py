#!/usr/bin/env python3
"""Checks the README and the pages of docs/: their links lead somewhere, their Swift compiles, their commands run.
The Swift in the DocC catalogues compiles, too.

    Tests/Readme/readme.py [--only links,swift,commands] [PAGE...]

The fences of code blocks say what is done with them:

    ```sh            each command runs, as it is written, in a copy of the repository with majortom on the PATH
    ```console       the same, where commands begin with "$ "; what they print must stand below ("..." for any lines)
    ```sh slow       not run here; a `make` command among them must be one of .ci/run
    ```swift         compiles (with `import MajorTom` where it imports nothing); the block that begins with swift-tools-version is the package that the others lie in
    ```text          not looked at

Commands of a page share a folder, one after another; those that begin with `make` run in the repository itself, which
is built already (TOOL is another majortom to run). Python's standard library is enough.
"""
import argparse
import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README_LINES = 200


class Block:
    """A fenced block: its language, what else its fence says, its first line's number, its lines."""

    def __init__(self, fence, line):
        words = fence.split()
        self.language = words[0] if words else ""
        self.slow = "slow" in words[1:]
        self.line = line
        self.lines = []


def blocks_and_prose(text):
    """The fenced blocks of a page, and its other lines with their numbers."""
    blocks, prose, block = [], [], None
    for number, line in enumerate(text.splitlines(), 1):
        fence = re.match(r"\s*```(.*)$", line)
        if fence and block is None:
            block = Block(fence.group(1), number)
        elif fence:
            blocks.append(block)
            block = None
        elif block is not None:
            block.lines.append(line)
        else:
            prose.append((number, line))
    if block is not None:
        raise SystemExit(f"a code block that begins in line {block.line} does not end")
    return blocks, prose


def commands(block):
    """The commands of a block with the output that is shown below each (None where none is)."""
    shown = block.language == "console"
    found, joined = [], False
    for line in block.lines:
        if joined:
            found[-1][0] += "\n" + line
        elif not shown:
            if not line.strip() or line.startswith("#"):
                continue
            found.append([line, None])
        elif line.startswith("$ "):
            found.append([line[2:], []])
        elif found:
            found[-1][1].append(line)
        else:
            raise ValueError(f"line {block.line}: output before the first command")
        joined = line.endswith("\\") and (joined or not shown or line.startswith("$ "))
    return [tuple(item) for item in found]


def is_like(shown, printed):
    """Whether lines are those that are shown, where "..." stands for any."""
    if not shown:
        return not printed
    if shown[0] == "...":
        return any(is_like(shown[1:], printed[start:]) for start in range(len(printed) + 1))
    return bool(printed) and shown[0] == printed[0] and is_like(shown[1:], printed[1:])


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    _, prose = blocks_and_prose(text)
    found = set()
    for _, line in prose:
        heading = re.match(r"#+ (.*)", line)
        if heading:
            words = re.sub(r"[^\w\- ]", "", heading.group(1).strip().lower())
            found.add(words.replace(" ", "-"))
    return found


def link_problems(page):
    """What is wrong with a page's relative links, as sentences."""
    text = page.read_text()
    _, prose = blocks_and_prose(text)
    for number, line in prose:
        bare = re.sub(r"(?<!\[)`[^`]*`", "", line)
        for target in re.findall(r"\]\(([^)\s]+)\)", bare) + re.findall(r"src(?:set)?=\"([^\"]+)\"", bare):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            other = (page.parent / path).resolve() if path else page
            if not other.exists():
                yield f"{page.relative_to(ROOT)}:{number}: {target} is not there"
            elif anchor and anchor not in anchors(other.read_text()):
                yield f"{page.relative_to(ROOT)}:{number}: {path or page.name} has no heading #{anchor}"


def check_links(pages):
    problems = [problem for page in pages for problem in link_problems(page)]
    for page in pages:
        count = len(page.read_text().splitlines())
        if page.name == "README.md" and page.parent == ROOT and count > README_LINES:
            problems.append(f"README.md has {count} lines, where {README_LINES} are allowed")
    return problems


def swift_sources(pages):
    """The manifest that the README shows, and a source for each block of Swift by its file's name."""
    manifest, sources, main = None, {}, None
    readme, catalogues = ROOT / "README.md", sorted(ROOT.glob("Sources/*/*.docc/*.md"))
    for page in [readme] + [page for page in pages if page != readme] + catalogues:
        for block in blocks_and_prose(page.read_text())[0]:
            if block.language != "swift":
                continue
            text = "\n".join(block.lines) + "\n"
            if block.lines[0].startswith("// swift-tools-version"):
                manifest = text
            elif main is None:
                main = text
            else:
                imports = [line for line in block.lines if line.startswith("import ")] or ["import MajorTom"]
                body = [line for line in block.lines if not line.startswith("import ")]
                name = f"{re.sub('[^a-z]', '_', page.stem.lower())}_{block.line}"
                sources[name + ".swift"] = "\n".join(
                    imports + [f"func {name}() async throws {{"] + body + ["}"]) + "\n"
    return manifest, main, sources


def check_swift(pages):
    """Builds one package of all Swift blocks; its library is built once, in a folder that stays."""
    manifest, main, sources = swift_sources(pages)
    if manifest is None or main is None:
        return ["README.md shows no Package.swift, or no program"]
    # The only change to what is shown: where the package lies.
    manifest, count = re.subn(r'path: "[^"]*"', f'path: "{ROOT}"', manifest, count=1)
    target = re.search(r'executableTarget\(\s*name: "(\w+)"', manifest)
    if not count or not target:
        return ["README.md: its Package.swift has no path of the package, or no executable target"]
    package = ROOT / ".build/readme/App"
    shutil.rmtree(package, ignore_errors=True)
    folder = package / "Sources" / target.group(1)
    folder.mkdir(parents=True)
    (package / "Package.swift").write_text(manifest)
    (folder / "main.swift").write_text(main)
    for name, text in sources.items():
        (folder / name).write_text(text)
    scratch = os.environ.get("SCRATCH", ROOT / ".build/examples")
    # The plan of another package that was built there is taken for this one's; what was compiled stays.
    (Path(scratch) / "release.yaml").unlink(missing_ok=True)
    built = subprocess.run(
        ["swift", "build", "-c", "release", "--package-path", package, "--scratch-path", scratch],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if built.returncode != 0:
        print(built.stdout[-6000:])
        return ["the Swift of the pages does not compile: see above"]
    print(f"Swift: {len(sources) + 1} blocks compile")
    return []


def copy_of_repository(folder):
    """Copies what git knows of, and what it would take, so that commands change nothing here."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "-c", "-o", "--exclude-standard"], cwd=ROOT,
        stdout=subprocess.PIPE, check=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / "models").symlink_to(ROOT / "models")


def run_command(command, shown, where, folder, environment):
    """Runs one command; returns what is wrong, as a sentence, or None."""
    start = time.monotonic()
    cwd = ROOT if command.startswith("make ") else folder
    done = subprocess.run(
        ["bash", "-eu", "-c", command], cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    seconds = time.monotonic() - start
    print(f"{where}: {seconds:5.1f} s  {command.splitlines()[0][:100]}", flush=True)
    if done.returncode != 0:
        print(done.stdout[-2000:] + done.stderr[-2000:])
        return f"{where}: ended with {done.returncode}: {command}"
    if shown is None or is_like(shown, (done.stderr + done.stdout).splitlines()):
        return None
    return f"{where}: {command}\nshown:\n" + "\n".join(shown) + "\nprinted:\n" + done.stderr + done.stdout


def check_commands(page):
    """Runs the commands of a page, in order."""
    problems = []
    continuous = (ROOT / ".ci/run").read_text().splitlines()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "repository"
        tools = Path(name) / "bin"
        tools.mkdir()
        (tools / "majortom").symlink_to(
            Path(os.environ.get("TOOL", ROOT / ".build/release/majortom")).resolve())
        copy_of_repository(folder)
        environment = dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}", LC_ALL="C.UTF-8")
        environment.pop("MAJORTOM_MODEL", None)
        for block in blocks_and_prose(page.read_text())[0]:
            if block.language not in ("sh", "console"):
                continue
            for command, shown in commands(block):
                where = f"{page.relative_to(ROOT)}:{block.line}"
                if not block.slow:
                    problem = run_command(command, shown, where, folder, environment)
                    problems += [problem] if problem else []
                elif page.name == "README.md" and command.startswith("make ") and command not in continuous:
                    problems.append(f"{where}: {command} is run neither here nor by .ci/run")
    return problems


def check_itself():
    """A check that cannot fail is worth nothing: what each must find is found."""
    quiet = contextlib.redirect_stdout(io.StringIO())
    text = "# A b\n```sh\na \\\n  b\n# c\nd\n```\n```console slow\n$ e\nf\n...\n$ g\n```\n## `C`: d-e\n"
    blocks, prose = blocks_and_prose(text)
    assert commands(blocks[0]) == [("a \\\n  b", None), ("d", None)]
    assert commands(blocks[1]) == [("e", ["f", "..."]), ("g", [])]
    assert blocks[1].slow and not blocks[0].slow and len(prose) == 2
    assert anchors(text) == {"a-b", "c-d-e"}
    assert is_like(["a", "...", "c"], ["a", "b", "b", "c"]) and is_like(["..."], [])
    assert not is_like(["a"], ["a", "b"]) and not is_like(["a", "...", "c"], ["a", "b"])
    with tempfile.TemporaryDirectory(dir=ROOT / "docs") as name:
        page = Path(name) / "page.md"
        page.write_text("# A\n[a](#a) [b](#b) [c](no.md) [d](https://d.org) `[e](e.md)`\n```text\n[f](f.md)\n```\n")
        assert [problem.split(": ", 1)[1] for problem in link_problems(page)] == [
            "page.md has no heading #b", "no.md is not there"]
        with quiet:
            for command, shown, fails in [("false", None, True), ("echo a", ["b"], True), ("echo a", ["a"], False)]:
                found = run_command(command, shown, "itself", Path(name), dict(os.environ))
                assert (found is not None) == fails, command


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="pages to check (default: README.md, docs/*.md)")
    parser.add_argument("--only", default="links,swift,commands", help="links, swift and commands")
    arguments = parser.parse_args()
    pages = [Path(page).resolve() for page in arguments.pages]
    pages = pages or [ROOT / "README.md"] + sorted((ROOT / "docs").glob("*.md"))
    check_itself()
    problems = []
    if "links" in arguments.only:
        problems += check_links(pages)
    if "swift" in arguments.only:
        problems += check_swift(pages)
    if "commands" in arguments.only:
        for page in pages:
            problems += check_commands(page)
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
