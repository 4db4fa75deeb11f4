"""The sections of benchmark.py that set majortom beside another program."""
import json
import os
import re
import subprocess

from machine import multiplying, reading
from measure import Unavailable, alternate, compared, last_line

SIZES = (128, 256, 512)
# hidden: batch, steps, updates. Both programs make as many updates, and the fastest one counts.
TRAINING = {128: (50, 50, 40), 256: (64, 64, 12), 512: (64, 64, 6)}
WRITTEN = (100, 4100)


def products_weights(hidden, symbols):
    """Weights that multiply something for every character: both products of both layers, and the output."""
    return 2 * 4 * hidden * 2 * hidden + symbols * hidden


def recurrent_bytes(hidden, width):
    return 2 * 4 * hidden * 2 * hidden * width


def training(place):
    """Training of language models, f32 and bf16, beside PyTorch with the same precision."""
    rows = []
    for hidden, (batch, steps, updates) in TRAINING.items():
        updates = updates // 2 if place.quick else updates
        for precision in ("f32", "bf16"):
            def ours():
                lines = place.majortom(
                    "train", "lm", place.corpus, "-o", place.path("trained"), "--overwrite", "--hidden", hidden,
                    "--embedding", hidden, "--batch", batch, "--steps", steps, "--updates", updates, "--dropout", 0,
                    "--validation", 0, "--precision", precision, "--threads", place.threads, "--json")
                return json.loads(lines.splitlines()[-1])["fastest_update_seconds"]

            def theirs():
                rival = place.rival("torch_rival.py")
                return rival.ask("train", hidden, precision, place.threads, batch, steps, updates)["seconds"]

            names = [f"majortom {precision}", f"PyTorch {precision}"]
            characters = batch * steps
            operations = 6 * products_weights(hidden, 96) * characters
            measured = alternate(place, dict(zip(names, (ours, theirs))), 2 * len(TRAINING) - len(rows))
            rows.append(compared(
                f"train 2x{hidden}, batch {batch}, {steps} steps", *names, measured, "chars/s", characters,
                multiplying(precision, place.threads, operations)))
    place.dismiss("torch_rival.py")
    return {"title": "Training", "rows": rows, "notes": [
        f"{place.threads} thread(s); the fastest of the same number of updates in both; PyTorch's bf16 has every weight in bf16. "
        "Operations of a character: 6 times the weights of its products (forward, and twice that backward)."]}


def written(place, model):
    """Seconds of a character on one thread, without the program's start."""
    alone = ["--threads", 1] if place.takes("generate", "--threads") else []

    def seconds(length):
        return place.seconds("generate", "-m", model, "-n", length, "--seed", 1, *alone)

    few, many = WRITTEN
    start = seconds(few)
    return (seconds(many) - start) / (many - few)


def narrowed(place, model, precision):
    path = f"{model}.{precision}"
    if not os.path.exists(path):
        place.majortom("quantize", "-m", model, "-o", path, "--precision", precision)
    return path


def generation(place):
    """Writing one character at a time on one thread, beside ONNX Runtime and PyTorch."""
    rows = []
    for hidden in SIZES:
        programs = {"majortom f32": lambda: written(place, place.model(hidden))}
        for precision in ("bf16", "int8"):
            programs[f"majortom {precision}"] = (
                lambda precision=precision: written(place, narrowed(place, place.model(hidden), precision)))
        programs["ONNX Runtime f32"] = lambda: place.rival("onnx_rival.py").ask("generate", hidden, 1, 2000)["seconds"]
        for precision in ("f32", "bf16"):
            programs[f"PyTorch {precision}"] = (
                lambda precision=precision:
                place.rival("torch_rival.py").ask("generate", hidden, precision, 1, 100)["seconds"])
        measured = alternate(place, programs, len(SIZES) - SIZES.index(hidden))
        for precision, width in (("f32", 4), ("bf16", 2), ("int8", 1)):
            work = reading(recurrent_bytes(hidden, width))
            beside = ["ONNX Runtime f32"] + ([f"PyTorch {precision}"] if precision != "int8" else [])
            for rival in beside:
                same = work if rival.endswith(precision) else reading(recurrent_bytes(hidden, 4))
                rows.append(compared(
                    f"write with 2x{hidden}", f"majortom {precision}", rival, measured, "us/char", 1, work, same))
    place.dismiss("torch_rival.py")
    place.dismiss("onnx_rival.py")
    return {"title": "Generation", "rows": rows, "notes": [
        f"One thread, one character at a time. majortom: time of {WRITTEN[1]:,} characters less that of {WRITTEN[0]}, "
        "choice by chance included; ONNX Runtime takes the likeliest. The share is that of the weights of both "
        "layers, read once a character, in the bandwidth of the smallest level that holds them."]}


def listed(place, command):
    """What a program of products prints, by size and precision."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    try:
        entries = json.loads(place.run(*command, env=environment))
        return {(e["m"], e["k"], e["n"], e["precision"]): e["seconds"] for e in entries}
    except (ValueError, KeyError, TypeError) as problem:
        raise Unavailable(f"{command[0]} prints no list of products: {problem}") from problem


def products(place):
    """Matrix products on one thread: our kernels beside oneDNN's."""
    sources = os.path.join(place.here, "..", "Sources", "CProducts")
    kernels = sorted(os.path.join(sources, name) for name in os.listdir(sources) if name.endswith(".c"))
    ours = [place.compiled("products.c", "-I" + os.path.join(sources, "include"), *kernels, "-lm", "-lpthread")]
    programs = {"majortom": lambda: listed(place, ours)}
    problems = {}
    try:
        theirs = [place.compiled("onednn_products.c", "-ldnnl")]
        programs["oneDNN"] = lambda: listed(place, theirs)
    except Unavailable as problem:
        problems["oneDNN"] = str(problem)
    tables, failed = alternate(place, programs)
    problems |= failed
    sizes = list(dict.fromkeys(key for runs in tables.values() for run in runs for key in run))
    rows = []
    for m, k, n, precision in sizes:
        key = (m, k, n, precision)
        seconds = {name: [run[key] for run in runs if key in run] for name, runs in tables.items()}
        rows.append(compared(
            f"{m} x {k} x {n}, {precision}", "majortom", "oneDNN", (seconds, problems), "us/product", 1,
            multiplying(precision, 1, 2 * m * k * n)))
    return {"title": "Products", "rows": rows, "notes": ["One thread, the second matrix in the program's own layout."]}


def tagging_data(place):
    """Published sentences where they are, else the project's own: train, dev, test."""
    folder = os.path.join(place.data, "tag-wnut17")
    if os.path.isdir(folder):
        names = ("wnut17train.conll", "emerging.dev.conll", "emerging.test.annotated")
    else:
        folder, names = os.path.join(place.here, "..", "corpora", "names"), ("train.conll", "dev.conll", "test.conll")
    return [os.path.abspath(os.path.join(folder, name)) for name in names]


def sentences(path):
    with open(path, encoding="utf-8") as file:
        blocks = re.split(r"\n\s*\n", file.read())
    return [words for block in blocks
            if (words := [line.split("\t")[0] for line in block.splitlines() if line.strip()])]


def tagging(place):
    """Training and tagging beside Flair, on the same sentences with a network of the same sizes."""
    train, dev, test = tagging_data(place)
    model, text = place.path("tagger-speed"), place.path("sentences")
    some = 160 if place.quick else 640
    # Ten times over, as tagger.sh has it, or majortom's start would be a good part of its time.
    read = 10 * sentences(test)
    with open(text, "w", encoding="utf-8") as file:
        file.writelines(" ".join(words) + "\n" for words in read)
    rival = place.rival("flair_rival.py", train, test, str(place.threads))

    def ours_training():
        lines = place.majortom(
            "train", "tagger", train, "--dev", dev, "-o", model, "--overwrite", "--epochs", 1, "--batch", 32,
            "--min-count", 2, "--shapes", 0, "--character-size", 25, "--character-features", 50, "--characters", "lstm",
            "--threads", place.threads, "--json")
        return 1 / json.loads(lines.splitlines()[-1])["tokens_per_second"]

    def theirs_training():
        answer = rival.ask("train", some)
        return answer["seconds"] / answer["words"]

    def ours_tagging():
        with open(text, encoding="utf-8") as file:
            return place.seconds("tag", "-m", model, "--tokenized", "--batch", 1000, "--format", "conll",
                                 "--threads", place.threads, stdin=file) / sum(map(len, read))

    def theirs_tagging():
        answer = rival.ask("tag")
        return answer["seconds"] / answer["words"]

    names = ["majortom", "Flair"]
    rows = [
        compared("train a BiLSTM-CRF", *names,
                 alternate(place, dict(zip(names, (ours_training, theirs_training))), 2), "words/s"),
        compared("tag with it", *names, alternate(place, dict(zip(names, (ours_tagging, theirs_tagging)))), "words/s")]
    place.dismiss("flair_rival.py")
    return {"title": "Tagger", "rows": rows, "notes": [
        f"{place.threads} thread(s), {os.path.basename(os.path.dirname(test))}; learned vectors only, training without "
        "evaluation in both; majortom's tagging includes its start and reading, Flair's does not."]}


def interchange(place):
    """A model of ours opened in PyTorch and back: whether both see the same."""
    try:
        lines = place.run(place.python, os.path.join(place.here, "torch_model.py"), place.model(128), place.corpus,
                          "--tool", place.tool).splitlines()
    except subprocess.SubprocessError as problem:
        raise Unavailable(last_line(str(problem))) from problem
    return {"title": "The same model in PyTorch", "rows": [], "lines": lines, "notes": []}
