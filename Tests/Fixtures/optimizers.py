"""Makes Tests/DenseMathTests/Fixtures/optimizers.json: weights after each of six steps of PyTorch's
AdamW and SGD in float64.

Needs `pip install torch`. Run it from anywhere; the tests need only the file that it writes.
"""

import json
import pathlib

import torch

COUNT, STEPS, SCALE = 35, 6, 0.37
generator = torch.Generator().manual_seed(5)
start = torch.randn(COUNT, dtype=torch.float64, generator=generator)
gradients = torch.randn(STEPS, COUNT, dtype=torch.float64, generator=generator) * 3
# What training meets: a weight that has no gradient, and one that is tiny.
gradients[:, 0] = 0
gradients[:, 1] *= 1e-6


def weights_after_each_step(make):
    weights = start.clone().requires_grad_()
    optimizer = make([weights])
    result = []
    for gradient in gradients:
        weights.grad = gradient * SCALE
        optimizer.step()
        result.append(weights.detach().tolist())
    return result


cases = {
    "start": start.tolist(),
    "gradients": gradients.tolist(),
    "gradientScale": SCALE,
    "adamW": weights_after_each_step(
        lambda w: torch.optim.AdamW(w, lr=0.02, betas=(0.8, 0.97), eps=1e-7, weight_decay=0.3)),
    "momentum": weights_after_each_step(
        lambda w: torch.optim.SGD(w, lr=0.02, momentum=0.85, weight_decay=0.3)),
}
target = pathlib.Path(__file__).parent.parent / "DenseMathTests" / "Fixtures" / "optimizers.json"
target.write_text(json.dumps(cases) + "\n")
