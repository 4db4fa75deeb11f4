#!/usr/bin/env python3
"""The completions as bash, zsh and fish load them, and the man pages as mandoc and groff read them.

    Tests/Completions/completions.py [TOOL]

Each shell is asked what it would complete; answers are held against the tool's own help.
"""

import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Terminal"))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else f"{ROOT}/.build/release/majortom")
failures = []


def check(holds, sentence):
    if not holds:
        failures.append(sentence)
        print(f"FAIL  {sentence}")


def run(*arguments, cwd=None, environment=None):
    found = subprocess.run(
        arguments, capture_output=True, text=True, check=False, cwd=cwd, timeout=120,
        env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL)
    return found.returncode, found.stdout, found.stderr


def options_of(command):
    """The long options as --help lists them."""
    return set(re.findall(r"^ +(?:-\w, )?(--[a-z0-9-]+)", run(TOOL, *command.split(), "--help")[1], re.M))


def commands():
    """The commands as the overview lists them."""
    name = os.path.basename(TOOL)
    return re.findall(rf"^  {re.escape(name)} ((?:\S+ )*\S+)   *", run(TOOL)[1], re.M)


COMMANDS = [command.strip() for command in commands()]
FIRST = {command.split()[0] for command in COMMANDS} | {"help"}

# What is typed, and what must be among the answers, and what must not; None: file names.
CASES = [
    ("majortom gen", {"generate"}, {"tag", "train"}),
    ("majortom tr", {"train", "translate"}, {"generate"}),
    ("majortom train ", {"lm", "tagger", "translator"}, {"generate", "note.txt"}),
    ("majortom train l", {"lm"}, {"tagger"}),
    ("majortom explain ce", {"cells"}, {"all"}),
    ("majortom help gen", {"generate"}, set()),
    ("majortom help train ", {"lm", "tagger"}, {"note.txt"}),
    ("majortom generate --temp", {"--temperature"}, {"--top-k"}),
    ("majortom train lm --hid", {"--hidden"}, set()),
    ("majortom train lm --cell ", {"lstm", "gru", "elman"}, {"note.txt"}),
    ("majortom train lm --cell ls", {"lstm", "lstm-peephole"}, {"gru"}),
    ("majortom explain cells --color al", {"always"}, {"auto"}),
    ("majortom completions ", {"bash", "zsh", "fish"}, {"note.txt"}),
    ("majortom info no", {"note.txt"}, {"--json"}),
    ("majortom info -m no", {"note.txt"}, set()),
    ("majortom info --model no", {"note.txt"}, set()),
    ("majortom train lm note.txt --optimizer ", {"adamw", "sgd"}, {"note.txt"}),
    ("majortom train lm --updates ", set(), {"note.txt", "--hidden"}),
]


def bash(folder, typed):
    """COMPREPLY of the function, and file names where it leaves completing to bash."""
    words = typed.split(" ")
    script = f"""
      source {folder}/majortom.bash
      compopt() {{ echo FILES; }}
      COMP_WORDS=({' '.join("'" + word + "'" for word in words)})
      COMP_CWORD={len(words) - 1}
      _majortom
      printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    _, output, errors = run("bash", "--norc", "-c", script, cwd=folder)
    check(not errors, f"bash: {typed!r}: {errors}")
    found = set(output.split())
    if "FILES" in found:
        found |= {name for name in os.listdir(folder) if name.startswith(words[-1])}
    return found


def fish(folder, typed):
    _, output, errors = run(
        "fish", "--no-config", "-c", f"source {folder}/majortom.fish; complete --do-complete '{typed}'",
        cwd=folder, environment={"HOME": folder})
    check(not errors, f"fish: {typed!r}: {errors}")
    return {line.split("\t")[0] for line in output.split("\n") if line}


def zsh(folder, typed):
    """What zsh lists, by its own completion in a pseudo-terminal of zsh's (zsh/zpty)."""
    script = f"""
      zmodload zsh/zpty
      zpty inner zsh -f -i
      zpty -w inner 'PROMPT=; unset zle_bracketed_paste; cd {folder}; fpath=({folder} $fpath)'
      zpty -w inner 'autoload -Uz compinit; compinit -u -d {folder}/dump; bindkey "^I" complete-word'
      zpty -w inner 'zstyle ":completion:*" list-prompt ""; zstyle ":completion:*" menu no; LISTMAX=10000'
      zpty -w inner 'compadd () {{
        if [[ ${{@[1,(i)(-|--)]}} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return $?; fi
        local -a found; builtin compadd -A found "$@"
        local one; for one in $found; do print -r -- "FOUND<$one>"; done > {folder}/zsh.$$; cat {folder}/zsh.$$ >> {folder}/found
        builtin compadd "$@"
      }}'
      zpty -w inner 'print REA''DY'
      while zpty -r inner line; do [[ $line == *READY* ]] && break; done
      zpty -w -n inner $'{typed}\\t'
      sleep 0.4
      zpty -w -n inner $'\\x15print DO\\x27\\x27NE\\n'
      while zpty -r inner line; do [[ $line == *DONE* ]] && break; done
      zpty -d inner
    """
    found = f"{folder}/found"
    if os.path.exists(found):
        os.remove(found)
    run("zsh", "-f", "-c", script, cwd=folder, environment={"HOME": folder})
    if not os.path.exists(found):
        return set()
    with open(found, encoding="utf-8") as file:
        return set(re.findall(r"FOUND<(.*?)=?>", file.read()))


def complete(folder, shell, ask):
    code, script, errors = run(TOOL, "completions", shell)
    check(code == 0 and not errors, f"completions {shell}: {errors}")
    check(run(TOOL, "completions", shell)[1] == script, f"completions {shell}: the same bytes each time")
    name = "_majortom" if shell == "zsh" else f"majortom.{shell}"
    with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
        file.write(script)
    before = len(failures)
    found = ask(folder, "majortom ")
    check(FIRST <= found, f"{shell}: commands that are missing: {FIRST - found}")
    for command in COMMANDS:
        found = ask(folder, f"majortom {command} --")
        wanted = options_of(command)
        check(wanted <= found, f"{shell}: {command}: options that are missing: {sorted(wanted - found)}")
        check({f for f in found if f.startswith("--")} <= wanted,
              f"{shell}: {command}: options that there are not: {sorted(found - wanted)}")
    for typed, wanted, unwanted in CASES:
        found = ask(folder, typed)
        check(wanted <= found, f"{shell}: {typed!r}: no {sorted(wanted - found)} among {sorted(found)[:20]}")
        check(not unwanted & found, f"{shell}: {typed!r}: {sorted(unwanted & found)}")
    print(f"{'ok  ' if len(failures) == before else 'FAIL'}  {shell}", flush=True)


def manual(folder):
    before = len(failures)
    code, _, errors = run(TOOL, "reference", "--man", f"{folder}/man1")
    check(code == 0, f"reference --man: {errors}")
    pages = sorted(os.listdir(f"{folder}/man1"))
    wanted = {"majortom.1"} | {f"majortom-{command.replace(' ', '-')}.1" for command in COMMANDS}
    check(set(pages) == wanted, f"man pages: {set(pages) ^ wanted}")
    paths = [f"{folder}/man1/{page}" for page in pages]
    _, output, errors = run("mandoc", "-Tlint", "-Wwarning", *paths)
    # The other pages are looked for where man pages lie, and these are not there yet.
    found = [line for line in (output + errors).split("\n") if line and "referenced manual not found" not in line]
    check(not found, "mandoc: " + "; ".join(found[:5]))
    for page, path in zip(pages, paths):
        code, output, errors = run("groff", "-ww", "-man", "-Tutf8", "-P-cbou", "-rLL=78n", path)
        check(code == 0 and not errors, f"groff: {page}: {errors[:300]}")
        command = page[len("majortom-"):-2].replace("-", " ", 2)
        command = next((c for c in COMMANDS if f"majortom-{c.replace(' ', '-')}.1" == page), command)
        if page != "majortom.1":
            shown = set(re.findall(r"--[a-z0-9-]+", output))
            missing = options_of(command) - shown
            check(not missing, f"man: {page}: options that are missing: {sorted(missing)}")
    code, output, errors = run("man", "-M", folder, "-P", "cat", "majortom-train-lm",
                               environment={"MANWIDTH": "78", "LC_ALL": "C.UTF-8"})
    check(code == 0 and "train a language model" in output, f"man finds no page: {errors}")
    print(f"{'ok  ' if len(failures) == before else 'FAIL'}  man pages", flush=True)


with tempfile.TemporaryDirectory() as scratch:
    os.makedirs(f"{scratch}/work")
    with open(f"{scratch}/work/note.txt", "w", encoding="utf-8") as note:
        note.write("Ground Control\n")
    for name, ask in (("bash", bash), ("fish", fish), ("zsh", zsh)):
        complete(f"{scratch}/work", name, ask)
    manual(scratch)
check(len(COMMANDS) > 20, f"only {len(COMMANDS)} commands were found")
sys.exit(1 if failures else 0)
