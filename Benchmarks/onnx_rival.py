"""ONNX Runtime as a rival in generation: one measurement a call.

    onnx_rival.py generate HIDDEN THREADS CHARACTERS
    onnx_rival.py                  reads such lines from standard input until it ends

Prints one JSON object a measurement: mean seconds of a character, single precision. The network is
that of torch_rival.py with random weights. The next symbol is the likeliest one: choosing by chance
in Python would cost the rival more than its product.
"""
import json
import sys
import time

import numpy
import onnx
import onnxruntime
from onnx import helper, numpy_helper

SYMBOLS = 96
FLOAT, WHOLE = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64


def graph(hidden):
    chance = numpy.random.default_rng(1)
    constants, nodes = [], []

    def constant(name, *shape):
        numbers = chance.normal(0, 0.05, shape).astype(numpy.float32)
        constants.append(numpy_helper.from_array(numbers, name))
        return name

    constants.append(numpy_helper.from_array(numpy.array([1], numpy.int64), "directions"))
    nodes.append(helper.make_node("Gather", [constant("vectors", SYMBOLS, hidden), "symbol"], ["in1"]))
    takes = [helper.make_tensor_value_info("symbol", WHOLE, [1, 1])]
    gives = [helper.make_tensor_value_info("scores", FLOAT, None)]
    for layer in (1, 2):
        products = [constant(f"{kind}{layer}", 1, 4 * hidden, hidden) for kind in ("ih", "hh")]
        biases = constant(f"bias{layer}", 1, 8 * hidden)
        nodes.append(helper.make_node(
            "LSTM", [f"in{layer}", *products, biases, "", f"h{layer}", f"c{layer}"],
            [f"all{layer}", f"h{layer}_next", f"c{layer}_next"], hidden_size=hidden))
        nodes.append(helper.make_node("Squeeze", [f"all{layer}", "directions"], [f"in{layer + 1}"]))
        for state in (f"h{layer}", f"c{layer}"):
            takes.append(helper.make_tensor_value_info(state, FLOAT, [1, 1, hidden]))
            gives.append(helper.make_tensor_value_info(f"{state}_next", FLOAT, [1, 1, hidden]))
    nodes.append(helper.make_node("MatMul", ["in3", constant("out", hidden, SYMBOLS)], ["scores"]))
    made = helper.make_graph(nodes, "language_model", takes, gives, constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)


def generate(hidden, threads, characters):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(
        graph(hidden).SerializeToString(), options, providers=["CPUExecutionProvider"])
    states = ["h1", "c1", "h2", "c2"]
    wanted = ["scores"] + [f"{state}_next" for state in states]
    feed = {state: numpy.zeros((1, 1, hidden), numpy.float32) for state in states}
    feed["symbol"] = numpy.zeros((1, 1), numpy.int64)
    begin = 0.0
    for written in range(-100, characters):
        if written == 0:
            begin = time.perf_counter()
        scores, *after = session.run(wanted, feed)
        feed = dict(zip(states, after), symbol=scores.argmax().reshape(1, 1))
    return {"seconds": (time.perf_counter() - begin) / characters}


def measure(words):
    if words[0] != "generate":
        raise SystemExit(f"onnx_rival.py cannot {words[0]}")
    print(json.dumps(generate(*map(int, words[1:]))), flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1:])
    else:
        for line in sys.stdin:
            measure(line.split())
