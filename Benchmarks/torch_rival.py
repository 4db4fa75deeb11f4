"""PyTorch as a rival: one measurement a call, so that it can take turns with majortom.

    torch_rival.py train HIDDEN f32|bf16 THREADS BATCH STEPS UPDATES
    torch_rival.py generate HIDDEN f32|bf16 THREADS CHARACTERS
    torch_rival.py                 reads such lines from standard input until it ends

Prints one JSON object a measurement. The network is a language model of 96 symbols: embedding, two
LSTM layers and a linear output, with AdamW and gradients clipped; bf16 means that every weight is
bf16, PyTorch's fastest way on a CPU.
"""
import json
import sys
import time

import torch

SYMBOLS = 96
TYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


class Network(torch.nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.vectors = torch.nn.Embedding(SYMBOLS, hidden)
        self.lstm = torch.nn.LSTM(hidden, hidden, num_layers=2)
        self.scores = torch.nn.Linear(hidden, SYMBOLS)

    def forward(self, symbols, state=None):
        states, state = self.lstm(self.vectors(symbols), state)
        return self.scores(states), state


def train(hidden, precision, threads, batch, steps, updates):
    """Seconds of the fastest update, which is what majortom tells as well."""
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    network = Network(hidden).to(TYPES[precision])
    rule = torch.optim.AdamW(network.parameters(), lr=1e-3)
    text = torch.randint(SYMBOLS, (steps + 1, batch))
    state, fastest = None, float("inf")
    for _ in range(updates):
        begin = time.perf_counter()
        rule.zero_grad()
        scores, state = network(text[:-1], state)
        loss = torch.nn.functional.cross_entropy(scores.float().flatten(0, 1), text[1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        rule.step()
        state = tuple(part.detach() for part in state)
        fastest = min(fastest, time.perf_counter() - begin)
    return {"seconds": fastest}


@torch.inference_mode()
def generate(hidden, precision, threads, characters):
    """Mean seconds of a character, after some that do not count."""
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    network = Network(hidden).to(TYPES[precision])
    symbol, state, begin = torch.zeros(1, 1, dtype=torch.long), None, 0.0
    for written in range(-20, characters):
        if written == 0:
            begin = time.perf_counter()
        scores, state = network(symbol, state)
        symbol = torch.multinomial(scores[0].float().softmax(-1), 1)
    return {"seconds": (time.perf_counter() - begin) / characters}


def measure(words):
    kind, hidden, precision, *numbers = words
    measured = {"train": train, "generate": generate}[kind](int(hidden), precision, *map(int, numbers))
    print(json.dumps(measured), flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1:])
    else:
        for line in sys.stdin:
            measure(line.split())
