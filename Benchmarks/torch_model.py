"""Opens a model of `majortom train lm` in PyTorch and checks that both tools see the same model.

    torch_model.py MODEL TEXT [--tool .build/release/majortom]

Needs `pip install torch safetensors`. The weights go into torch.nn.Embedding, torch.nn.LSTM (or GRU,
RNN) and torch.nn.Linear by their names. Both tools then score TEXT in one run; then PyTorch writes
the weights back with the same metadata, and majortom scores that file too.
"""
import argparse
import json
import os
import subprocess
import tempfile

import torch
from safetensors import safe_open
from safetensors.torch import save_file

parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("text")
parser.add_argument("--tool", default=".build/release/majortom")
arguments = parser.parse_args()


def tool_nats(model):
    command = [arguments.tool, "evaluate", "-m", model, arguments.text, "--protocol", "carried", "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["nats_per_symbol"]


with safe_open(arguments.model, "pt") as file:
    metadata = file.metadata()
    # The checksum is that of these bytes; a file that another program writes has none.
    metadata.pop("checksum", None)
    weights = {name: file.get_tensor(name) for name in file.keys()}
configuration = json.loads(metadata["configuration"])
symbols = json.loads(metadata["vocabulary"])["symbols"]
cells = {
    "lstm": torch.nn.LSTM,
    "gru": torch.nn.GRU,
    "elman": torch.nn.RNN,
    "elman-relu": lambda *sizes: torch.nn.RNN(*sizes, nonlinearity="relu"),
}
model = torch.nn.ModuleDict(
    {
        "embedding": torch.nn.Embedding(256 + len(symbols), configuration["embedding"]),
        "rnn": cells[configuration["cell"]](
            configuration["embedding"], configuration["hidden"], configuration["layers"]
        ),
        "output": torch.nn.Linear(configuration["hidden"], 256 + len(symbols)),
    }
)
model.load_state_dict(weights)  # strict: every name and shape must fit

# Code points are enough here: texts whose graphemes are longer need the tool's own segmentation.
numbers = {symbol: 256 + place for place, symbol in enumerate(symbols)}
ids = []
for character in open(arguments.text, encoding="utf-8", newline="").read():
    ids += [numbers[character]] if character in numbers else list(character.encode())
if configuration.get("backwards"):
    ids.reverse()
data = torch.tensor(ids)
with torch.inference_mode():
    states, _ = model["rnn"](model["embedding"](data[:-1]).unsqueeze(1))
    nats = torch.nn.functional.cross_entropy(model["output"](states[:, 0]), data[1:]).item()
here = tool_nats(arguments.model)
print(f"torch {torch.__version__}: {nats:.6f} nats/symbol; majortom: {here:.6f}; difference {abs(nats - here):.1e}")

with tempfile.TemporaryDirectory() as folder:
    back = os.path.join(folder, "back.safetensors")
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, back, metadata)
    print(f"written by torch, read by majortom: {tool_nats(back):.6f}")
