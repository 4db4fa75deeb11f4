"""Prints a small file of the safetensors package as base64: the literal in
Tests/ParametersTests/SafetensorsTests.swift.

Needs `pip install torch safetensors`.
"""

import base64

import torch
from safetensors.torch import save

numbers = [0.0, -0.0, 1.0, -2.5, 0.333251953125, 65504.0]
tensors = {
    "f32": torch.tensor(numbers, dtype=torch.float32).reshape(2, 3),
    "f64": torch.tensor(numbers, dtype=torch.float64).reshape(3, 2),
    "f16": torch.tensor(numbers + [6e-8, -6e-5], dtype=torch.float16),
    "bf16": torch.tensor(numbers, dtype=torch.bfloat16),
    "i8": torch.tensor([-128, 127], dtype=torch.int8),
    "scalar": torch.tensor(7.0),
}
print(base64.b64encode(save(tensors, {"card": 'Major "Tom"\n\u00e9\u4e16'})).decode())
for name, tensor in tensors.items():
    print(name, tensor.to(torch.float64).flatten().tolist())
