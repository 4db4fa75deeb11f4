"""Writes Tests/TaggerTests/Fixtures/raw_scores.json: what conll18_ud_eval.py says of two ways to cut a text.

Needs the script of the CoNLL-2018 shared task, as trankit has it:
pip download --no-deps trankit==1.1.2; unzip trankit-*.whl trankit/utils/scorers/conll18_ud_eval.py
Run from the root of the repository: python3 Tests/Fixtures/raw_scores.py PATH/conll18_ud_eval.py

A text of few letters is cut twice at random, so that the same words come often: tokens, multiword
tokens whose words are pieces of them or not, sentences, tags, spaces within tokens.
"""
import importlib.util
import io
import json
import pathlib
import random
import sys

spec = importlib.util.spec_from_file_location("conll18_ud_eval", sys.argv[1])
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)


def cut(text, draw, ends, joined):
    """Sentences of tokens, each [text, [[form, tag], ...]]; mostly at `ends`, and multiword mostly where `joined`."""
    sentences, sentence, start = [], [], 0
    for place in range(1, len(text) + 1):
        is_end = place in ends if draw.random() < 0.85 else draw.random() < 0.4
        if not is_end and place < len(text):
            continue
        token = text[start:place]
        words = [token]
        if len(token) > 1 and (start in joined if draw.random() < 0.8 else draw.random() < 0.3):
            middle = draw.randint(1, len(token) - 1)
            words = [token[:middle], token[middle:]]
            if draw.random() < 0.3:
                words = [draw.choice("abXé"), draw.choice("Abc"), token][: draw.randint(2, 3)]
        if draw.random() < 0.1 and len(token) > 1:
            token = token[0] + draw.choice(" \u00a0") + token[1:]
            words = words if len(words) > 1 else [token]
        if len(words) > 1:
            words = [draw.choice([str.upper, str.lower, str])(word) for word in words]
        sentence.append([token, [[word, draw.choice("NVNNA")] for word in words]])
        start = place
        if place == len(text) or draw.random() < 0.2 or (place in ends and text[place - 1] == "."):
            sentences.append(sentence)
            sentence = []
    return sentences


def conllu(sentences):
    lines = []
    for sentence in sentences:
        number = 0
        for token, words in sentence:
            if len(words) > 1:
                lines.append(f"{number + 1}-{number + len(words)}\t{token}" + "\t_" * 8)
            for form, tag in words:
                number += 1
                lines.append(f"{number}\t{form}\t_\t{tag}\t_\t_\t{int(number > 1)}\t_\t_\t_")
        lines.append("")
    return io.StringIO("\n".join(lines) + "\n")


cases = []
for number in range(60):
    draw = random.Random(number)
    size = draw.choice([3, 8, 30, 120])
    text = "".join(draw.choice("abcBé.日𝒳") for _ in range(size))
    ends = {place for place in range(1, size) if draw.random() < 0.5}
    joined = {place for place in ends if draw.random() < 0.3}
    right, found = (cut(text, draw, ends, joined) for _ in range(2))
    if number == 0:
        found = right
    scores = script.evaluate(*(script.load_conllu(conllu(side)) for side in (right, found)))
    rows, counts = [], []
    for name in ["Tokens", "Sentences", "Words", "UPOS"]:
        score = scores[name]
        accuracy = "" if score.aligned_accuracy is None else "{:10.2f}".format(100 * score.aligned_accuracy)
        rows.append("{:11}|{:10.2f} |{:10.2f} |{:10.2f} |{}".format(
            name, 100 * score.precision, 100 * score.recall, 100 * score.f1, accuracy))
        counts.append([score.gold_total, score.system_total, int(score.correct)])
    cases.append({"right": right, "found": found, "counts": counts, "rows": rows})
path = pathlib.Path("Tests/TaggerTests/Fixtures/raw_scores.json")
path.write_text(json.dumps(cases, separators=(",", ":"), ensure_ascii=False) + "\n")
