"""Prints the numbers of AdaptiveSoftmaxTests: PyTorch's AdaptiveLogSoftmaxWithLoss on weights made by a formula.

Usage: python3 Tests/Fixtures/adaptive_softmax.py   (pip install torch)
"""
import torch

INPUTS, CLASSES, CUTOFFS = 16, 20, [5, 11]
TARGETS = [0, 4, 5, 10, 11, 19, 2]


def numbers(seed, *shape):
    count = torch.Size(shape).numel()
    return (torch.sin(torch.arange(count, dtype=torch.float64) * 0.7 + seed) / 2).reshape(shape)


layer = torch.nn.AdaptiveLogSoftmaxWithLoss(INPUTS, CLASSES, CUTOFFS, div_value=4.0, head_bias=True).double()
with torch.no_grad():
    layer.head.weight.copy_(numbers(1, 7, INPUTS))
    layer.head.bias.copy_(numbers(2, 7))
    for group, (width, size) in enumerate([(4, 6), (1, 9)]):
        layer.tail[group][0].weight.copy_(numbers(3 + group, width, INPUTS))
        layer.tail[group][1].weight.copy_(numbers(5 + group, size, width))
x = numbers(9, len(TARGETS), INPUTS).requires_grad_()
result = layer(x, torch.tensor(TARGETS))
(-result.output.sum()).backward()
print("losses", [round(-float(v), 10) for v in result.output.detach()])
print("all log probabilities of row 3", [round(float(v), 10) for v in layer.log_prob(x)[3]])
print("gradient of x, column sums", [round(float(v), 10) for v in x.grad.sum(0)[:4]])
print("gradient of the second projection", [round(float(v), 10) for v in layer.tail[1][0].weight.grad[0, :4]])
