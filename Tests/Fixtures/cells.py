"""Writes Tests/CellsTests/Fixtures/cells.json: PyTorch's outputs and gradients of recurrent layers.

Needs `pip install torch`. Run from the root of the repository: python3 Tests/Fixtures/cells.py

Each case is a stack of layers run in 64-bit floating point over a packed ragged batch, with an
initial state. The loss is a weighted sum of all outputs and final states, the weights being random,
so that no symmetry hides a wrong gradient.
"""
import json
import pathlib

import torch

torch.set_default_dtype(torch.float64)
CASES = [
    ("lstm", torch.nn.LSTM, {}, 5, 7, 1, [6, 4, 4, 1]),
    ("lstm", torch.nn.LSTM, {}, 4, 19, 2, [5, 5, 2]),
    ("gru", torch.nn.GRU, {}, 5, 7, 1, [6, 4, 4, 1]),
    ("gru", torch.nn.GRU, {}, 3, 17, 2, [4, 3]),
    ("elman", torch.nn.RNN, {"nonlinearity": "tanh"}, 5, 7, 2, [6, 4, 4, 1]),
    ("elman-relu", torch.nn.RNN, {"nonlinearity": "relu"}, 5, 7, 1, [6, 4, 4, 1]),
    ("lstm", torch.nn.LSTM, {"bidirectional": True}, 5, 7, 1, [6, 4, 4, 1]),
    ("lstm", torch.nn.LSTM, {"bidirectional": True}, 3, 6, 2, [5, 5, 2]),
    ("gru", torch.nn.GRU, {"bidirectional": True}, 4, 5, 2, [4, 3, 1]),
    ("elman", torch.nn.RNN, {"nonlinearity": "tanh", "bidirectional": True}, 5, 7, 1, [6, 4, 4, 1]),
]


def numbers(tensor):
    return [float(f"{value:.10g}") for value in tensor.detach().flatten().tolist()]


def case(kind, layer, options, inputs, hidden, layers, lengths):
    rnn = layer(inputs, hidden, layers, **options)
    for parameter in rnn.parameters():
        torch.nn.init.uniform_(parameter, -0.6, 0.6)
    batch, has_cell, both = len(lengths), kind == "lstm", options.get("bidirectional", False)
    padded = torch.randn(max(lengths), batch, inputs)
    packed = torch.nn.utils.rnn.pack_padded_sequence(padded, lengths)
    x = packed.data.clone().requires_grad_()
    state = [torch.randn(layers * (1 + both), batch, hidden).requires_grad_() for _ in range(1 + has_cell)]
    source = torch.nn.utils.rnn.PackedSequence(x, packed.batch_sizes)
    output, final = rnn(source, tuple(state) if has_cell else state[0])
    final = list(final) if has_cell else [final]
    output_weights = torch.randn_like(output.data)
    final_weights = [torch.randn_like(f) for f in final]
    loss = (output.data * output_weights).sum() + sum((f * w).sum() for f, w in zip(final, final_weights))
    loss.backward()
    return {
        "cell": kind, "inputSize": inputs, "hiddenSize": hidden, "layers": layers,
        "bidirectional": both, "lengths": lengths,
        "weights": {name: numbers(p) for name, p in rnn.named_parameters()},
        "weightGradients": {name: numbers(p.grad) for name, p in rnn.named_parameters()},
        "input": numbers(x), "inputGradient": numbers(x.grad),
        "initial": [numbers(s) for s in state], "initialGradients": [numbers(s.grad) for s in state],
        "output": numbers(output.data), "outputWeights": numbers(output_weights),
        "final": [numbers(f) for f in final], "finalWeights": [numbers(w) for w in final_weights],
    }


torch.manual_seed(20)
folder = pathlib.Path(__file__).parent.parent / "CellsTests/Fixtures"
text = json.dumps({"torch": torch.__version__, "cases": [case(*c) for c in CASES]}, separators=(",", ":"))
(folder / "cells.json").write_text(text + "\n")
print(f"{len(text)} bytes, torch {torch.__version__}")
