"""Flair as a rival in tagging: one measurement a call.

    flair_rival.py TRAIN TEST THREADS train SENTENCES
    flair_rival.py TRAIN TEST THREADS tag
    flair_rival.py TRAIN TEST THREADS          reads such lines from standard input until it ends

TRAIN and TEST are files of words and tags parted by a tab. Prints one JSON object a measurement:
seconds and words. The network is a BiLSTM-CRF of 200 units with learned vectors of words and
characters and nothing pretrained. Training is the bare loop, without Flair's evaluation; tagging is
that of the network as it is then, since the search takes no longer for a bad one.
"""
import json
import os
import pathlib
import sys
import tempfile
import time

# Flair writes its log to standard output, from its import on; that is kept for the answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import flair
import torch
from flair.data import Dictionary
from flair.datasets import ColumnCorpus
from flair.embeddings import CharacterEmbeddings, OneHotEmbeddings, StackedEmbeddings
from flair.models import SequenceTagger

BATCH = 32


def build(train, test):
    corpus = ColumnCorpus(
        pathlib.Path(train).parent, {0: "text", 1: "ner"}, column_delimiter="\t", dev_file=None,
        train_file=pathlib.Path(train).name, test_file=pathlib.Path(test).name, sample_missing_splits=False)
    alphabet = Dictionary()
    for sentence in corpus.train:
        for character in sentence.text:
            alphabet.add_item(character)
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "alphabet")
        alphabet.save(path)
        readers = [OneHotEmbeddings.from_corpus(corpus, field="text", min_freq=2, embedding_length=100),
                   CharacterEmbeddings(path)]
    tagger = SequenceTagger(
        embeddings=StackedEmbeddings(readers), hidden_size=200, tag_type="ner", use_crf=True,
        tag_dictionary=corpus.make_label_dictionary("ner", add_unk=False))
    return tagger.to(flair.device), corpus


def train(tagger, corpus, count):
    sentences = [corpus.train[i] for i in range(min(count, len(corpus.train)))]
    rule = torch.optim.SGD(tagger.parameters(), lr=0.1)
    tagger.train()
    begin = time.perf_counter()
    for at in range(0, len(sentences), BATCH):
        batch = sentences[at : at + BATCH]
        rule.zero_grad()
        loss, size = tagger.forward_loss(batch)
        (loss / size).backward()
        torch.nn.utils.clip_grad_norm_(tagger.parameters(), 5.0)
        rule.step()
        for sentence in batch:
            sentence.clear_embeddings()
    return {"seconds": time.perf_counter() - begin, "words": sum(map(len, sentences))}


def tag(tagger, corpus):
    sentences = list(corpus.test)
    begin = time.perf_counter()
    tagger.predict(sentences, mini_batch_size=64)
    return {"seconds": time.perf_counter() - begin, "words": sum(map(len, sentences))}


def measure(tagger, corpus, words):
    measured = train(tagger, corpus, int(words[1])) if words[0] == "train" else tag(tagger, corpus)
    print(json.dumps(measured), file=answers, flush=True)


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[3]))
    flair.device = torch.device("cpu")
    made = build(sys.argv[1], sys.argv[2])
    if len(sys.argv) > 4:
        measure(*made, sys.argv[4:])
    else:
        for line in sys.stdin:
            measure(*made, line.split())
