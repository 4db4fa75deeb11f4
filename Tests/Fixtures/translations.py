"""Writes Tests/TranslatorTests/Fixtures/scores.json and tokens.json: sacreBLEU's figures and tokens.

Needs `pip install sacrebleu`. Run from the root of the repository: python3 Tests/Fixtures/translations.py

All sentences are written here or drawn at random. A hypothesis or reference may hold line breaks, as
the library allows and a file does not. Signatures are written with VERSION in place of sacreBLEU's.
"""
import json
import pathlib
import random

from sacrebleu import sentence_bleu
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
from sacrebleu.version import __version__

FOLDER = pathlib.Path("Tests/TranslatorTests/Fixtures")

ENGLISH = [
    ("The lamp was lit at noon.", "At noon the lamp was lit."),
    ("It costs 1,000.5 credits, or 3-4 days' pay.", "It costs 1,000.5 credits: 3-4 days of pay."),
    ("\"Who,\" she asked, \"is there?\"", "\"Who is there?\" she asked."),
    ("See chapter 1. Then chapter 2.", "See chapter 1. Then see chapter 2."),
    ("AT&amp;T said &quot;no&quot; to x &lt; y &gt; z.", "AT&T said \"no\" to x < y > z."),
    ("The well-known ship (three-masted) left.", "The well known ship (of three masts) left."),
    ("A hyphen at the end of a line: inter-\nplanetary.", "A hyphen at the end of a line: interplanetary."),
    ("Two\nlines here", "Two lines here"),
    ("He paid $5.50... and left!", "He paid $5.50 and left!"),
    ("Neptune is 4.5 billion km away.", "Neptune lies 4.5 billion km away."),
]
FRENCH = [
    ("L'étoile brille « très fort » ce soir.", "L'étoile brille «\u00a0très fort\u00a0» ce soir."),
    ("Combien ça coûte ? 12,50 € !", "Ça coûte combien\u202f? 12,50\u00a0€\u202f!"),
    ("Où est-il allé, ce garçon-là ?", "Où est allé ce garçon-là ?"),
    ("C'est l'été ; il fait chaud.", "C'est l'e\u0301te\u0301 ; il fait chaud."),
    ("Peut-être qu'elle reviendra le 1er mai.", "Elle reviendra peut-être le 1er mai."),
    ("Œuvre complète, t. 3-4, p. 1.", "Œuvres complètes, t. 3-4, p. 1."),
]
OTHER = [
    ("飞船在三点起飞。", "飞船三点钟起飞了。"),
    ("他有3.5公斤-左右的行李,对吗?", "他带了3.5公斤左右的行李，对吗？"),
    ("今日は\u3000いい天気 です", "今日はいい天気です"),
    ("👩‍🚀 flies 🚀🚀 to 🪐!", "👩‍🚀 flew 🚀 to 🪐!"),
    ("🇫🇷🇩🇪 e\u0301é ﬁn", "🇫🇷 🇩🇪 ée\u0301 fin"),
    ("Ракета летит к Нептуну.", "Ракета полетела к Нептуну."),
    ("السفينة تسافر، ليلا.", "تسافر السفينة ليلا."),
    ("٣٫٥ and ३.५ are no ASCII digits, ².", "٣.٥ and ३,५ are no ASCII digits, ²."),
]
SHORT = [("", "Not empty."), ("Yes.", "Yes."), ("No", "Yes"), ("Go on", "Go on then"), ("a b c", "a b c"),
         ("!", "!"), ("   ", "a"), ("a", ""), ("", ""), ("-", "–"), ("(hi)", "(hi )"), ("..", "...")]

TOKENS = [line for pair in ENGLISH + FRENCH + OTHER + SHORT for line in pair] + [
    "1,000.5", "3-4", "1.", ".5", "-5", "5-", "a.b", "a.5", "5.a", "1,.2", "1.,2", "..", "...", "5..", "..5",
    "1...2", ",,,", "a,b,c", "1,2,3", "1, 2, 3", "a-b", "1-b", "a-1", "1--2", "- 1 -", "1-2-3-",
    "U.S.A. is 3.2.1.", "e.g., this", "&amp;quot;", "&amp;lt;", "&amp;amp;gt;", "&quot", "&lt;b&gt;", "& amp;",
    "&apos;", "&quot;&amp;&lt;&gt;", "<skipped>", "a<skipped>b", "<ski<skipped>pped>", "-<skipped>\nb", "<skip>",
    "inter-\nplanetary", "end-\n", "--\n\n-\n", "a \n b", "a\r\nb", "a-\r\nb", "\r", "\n", "-\n",
    "tab\there", "a\u00a0b", "a\u3000b", "a\u2028b", "a\u2029b", "a\u0085b", "a\u001cb\u001fc", "a\u200bb",
    "a\ufeffb", "a\u180eb", "a\u1680b", "a\u205fb\u202fc\u2009d", "a\x0b\x0cb", "a\x00b", "\u0301.", "é.", "é,5", "5.é",
    "e\u0301.x", "中.文", "中，文。", "5。6", "👩‍🚀.5", "👍🏽,👍", "\u05d0.5", "x~y{z}|w", "a`b^c_d\\e[f]", "it's don't", "'quoted'",
    "a:b;c<d=e>f?g@h", "#1 $2 %3 *4 +5 /6", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "١.٢", "1.２", "½.5", "x\u00adx",
    "http://a.b/c?d=1.0&e=2-3", "10.000,00-5,5", "1 . 2 , 3 - 4", "7-.8", "7.-8", "7,-8", "-.-", ".-.", "9-,",
]


def tokens():
    draw = random.Random(13)
    lines = list(TOKENS)
    pieces = ["a", "B", "é", "e\u0301", "中", "👩‍🚀", "1", "2", "9", ".", ",", "-", " ", " ", "&", ";", "&amp;", "&lt;",
              "&quot;", "<skipped>", "\n", "-\n", "\r", "'", "\"", "/", "\u00a0", "\u2003", "\u001d", "\u200b", "٣"]
    for _ in range(400):
        lines.append("".join(draw.choice(pieces) for _ in range(draw.randint(1, 14))))
    tokenizer = Tokenizer13a()
    return [{"line": line, "tokens": tokenizer(line).split(" ") if tokenizer(line) else []} for line in lines]


def bleu(score, signature=None):
    return {"score": score.score, "precisions": score.precisions, "brevity": score.bp, "counts": score.counts,
            "totals": score.totals, "hypothesisLength": score.sys_len, "referenceLength": score.ref_len,
            "text": score.format(), "signature": signature}


def chrf(score, signature=None):
    return {"score": score.score, "text": score.format(), "signature": signature}


def signature(metric):
    return str(metric.get_signature()).replace(f"version:{__version__}", "version:VERSION")


def case(name, hypotheses, references):
    """References: one list for each reference, as long as the hypotheses; None where there is none."""
    corpus, plain, plus, cut = BLEU(), CHRF(), CHRF(word_order=2), BLEU(tokenize="none", force=True)
    figures = [metric.corpus_score(hypotheses, references) for metric in (corpus, plain, plus, cut)]
    rows = [[line for line in row if line is not None] for row in zip(*references)]
    sentences = [{
        "bleu": bleu(sentence_bleu(hypothesis, row)),
        "chrf": chrf(CHRF().sentence_score(hypothesis, row)),
        "chrfPlusPlus": chrf(CHRF(word_order=2).sentence_score(hypothesis, row)),
    } for hypothesis, row in list(zip(hypotheses, rows))[:40]]
    return {"name": name, "hypotheses": hypotheses, "references": rows,
            "bleu": bleu(figures[0], signature(corpus)), "chrf": chrf(figures[1], signature(plain)),
            "chrfPlusPlus": chrf(figures[2], signature(plus)), "cut": bleu(figures[3], signature(cut)), "sentences": sentences,
            "exact": sum(h in row for h, row in zip(hypotheses, rows))}


def salad(seed, size, reference_count):
    """Random words; a hypothesis is its first reference with words swapped, dropped and replaced."""
    draw = random.Random(seed)
    words = ["the", "of", "and", "lamp", "ship", "Neptune", "l'été", "où", "1,000.5", "3-4", "1.", "(hi)", "well-known",
             "\"so\"", "&quot;x&quot;", "ça", "飞船", "🚀", "e\u0301", "é", "night,", "end.", "why?", "—", "a", "I", "'tis", "U.S."]

    def sentence():
        return [draw.choice(words) for _ in range(draw.randint(0, 16))]

    def changed(sentence):
        kept = [draw.choice(words) if draw.random() < 0.2 else word for word in sentence if draw.random() > 0.1]
        if len(kept) > 1 and draw.random() < 0.5:
            place = draw.randrange(len(kept) - 1)
            kept[place], kept[place + 1] = kept[place + 1], kept[place]
        return kept

    firsts = [sentence() for _ in range(size)]
    join = lambda rows: [" ".join(row) for row in rows]
    references = [join(firsts)] + [join(map(changed, firsts)) for _ in range(reference_count - 1)]
    return join(map(changed, firsts)), references


def cases():
    pairs = {"english": ENGLISH, "french": FRENCH, "other": OTHER, "short": SHORT}
    for name, rows in pairs.items():
        yield case(name, [row[0] for row in rows], [[row[1] for row in rows]])
    every = ENGLISH + FRENCH + OTHER + SHORT
    first, second = [row[0] for row in every], [row[1] for row in every]
    yield case("identical", first, [first])
    yield case("nothing right", ["a b c d e", "f g"], [["1 2 3 4 5", "6 7 8"]])
    yield case("all empty", ["", ""], [["", ""]])
    yield case("empty hypotheses", ["", ""], [["a b", "c"]])
    yield case("empty references", ["a b", "c"], [["", ""]])
    yield case("no four-grams", ["a b", "c d e", "f"], [["a b", "c d x", "f"]])
    yield case("no four-grams right", ["a b c x e f g y"], [["a b c d e f g h"]])
    yield case("one word", ["lamp"], [["lamp"]])
    yield case("repeated words", ["the the the the the the the"], [["the cat is on the mat"], ["there is a cat on the mat"]])
    yield case("lengths as near", ["a b c d"], [["a b c d e f"], ["a b"], ["x y z"]])
    yield case("reference far longer", ["the lamp"], [["the lamp of the ship that sails to Neptune, and on and on"]])
    yield case("trailing space", ["inter-\n", "two \u00a0\n\n", "x \u3000"], [["inter-", "two", "x"]])
    lengthened = [line + " And more words follow here." for line in second]
    yield case("several references", first, [second, first[::-1], lengthened])
    some = [line if place % 3 else None for place, line in enumerate(second)]
    yield case("references here and there", first, [lengthened, some])
    for size, count in ((5, 1), (50, 1), (500, 1), (50, 2), (50, 4)):
        yield case(f"salad of {size} lines, {count}", *salad(size + count, size, count))


FOLDER.mkdir(parents=True, exist_ok=True)
for name, content in (("tokens", tokens()), ("scores", list(cases()))):
    (FOLDER / f"{name}.json").write_text(json.dumps(content, separators=(",", ":")) + "\n")
