# Small data and models for calls.tsv, run in an empty folder: story.txt, m.safetensors (a language model) and its run
# run/, t.safetensors (a tagger), p.safetensors (parts of speech), n.safetensors (a translator).
set -e
python3 - <<'P'
lines = [f"Day {day}. The lamp was {word}, and Tom wrote it down." for day in range(1, 60) for word in ("lit", "out", "warm")]
open("story.txt", "w").write("\n".join(lines) + "\n")
open("latin.txt", "wb").write("Noël était là, déjà vu à Orléans.\n".encode("latin-1") * 40)
open("empty.txt", "w").close()
pos = [("The", "DET"), ("lamp", "NOUN"), ("was", "AUX"), ("out", "ADV"), (".", "PUNCT")]
open("pos.conll", "w").write("".join("".join(f"{w} {t}\n" for w, t in pos) + "\n" for _ in range(60)))
open("pairs.tsv", "w").write("".join(f"{a} {b}\t{b} {a}\n" for a in "one two three four five six".split() for b in "one two three four five six".split()))
P
"$MAJORTOM" train lm story.txt -o m.safetensors --hidden 48 --dropout 0 --updates 200 --batch 4 --steps 32 --seed 1 -q --threads 1
"$MAJORTOM" train lm story.txt -o run --hidden 16 --updates 20 --batch 4 --steps 32 --seed 1 -q --threads 1
"$MAJORTOM" train lm story.txt -o back.safetensors --backwards --hidden 16 --updates 10 --batch 4 --steps 32 --seed 1 -q --threads 1
"$MAJORTOM" train tagger "$ROOT/corpora/names/train.conll" --dev "$ROOT/corpora/names/dev.conll" -o t.safetensors --epochs 8 --hidden 48 --seed 1 -q --threads 1
"$MAJORTOM" train tagger pos.conll -o p.safetensors --epochs 6 --hidden 16 --seed 1 -q --threads 1
"$MAJORTOM" train translator pairs.tsv -o n.safetensors --epochs 3 --hidden 16 --embedding 16 --seed 1 -q --threads 1
