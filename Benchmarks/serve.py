#!/usr/bin/env python3
"""Characters per second of `majortom serve`, with 1 and 32 clients, against `generate --threads 1`.

    Benchmarks/serve.py TOOL MODEL [--length 400]

Prints one JSON object: rates in characters per second, and with 8 clients the time to the first character, also
while a ninth sends a prompt of 4,000 characters. Only Python's standard library.
"""
import argparse
import http.client
import json
import re
import statistics
import subprocess
import threading
import time

words = argparse.ArgumentParser()
words.add_argument("tool")
words.add_argument("model")
words.add_argument("--length", type=int, default=400)
words = words.parse_args()


def ask(port, body):
    """The text, and the seconds until its first event and until its end."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    start = time.perf_counter()
    connection.request("POST", "/v1/completions", json.dumps(dict(body, stream=True)))
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    answer.readline()
    first = time.perf_counter() - start
    answer.read()
    return first, time.perf_counter() - start


def together(port, bodies):
    """What each of several clients at once got."""
    results = [None] * len(bodies)

    def one(number):
        results[number] = ask(port, bodies[number])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(bodies))]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results, time.perf_counter() - start


def generate(length):
    """The seconds of `generate` without those of starting."""
    def run(count):
        start = time.perf_counter()
        subprocess.run(
            [words.tool, "generate", "-m", words.model, "--prompt", "Day 1", "-n", str(count), "--seed", "1",
             "--temperature", "1"], capture_output=True, check=True)
        return time.perf_counter() - start
    return length / (min(run(length + 1) for _ in range(3)) - min(run(1) for _ in range(3)))


server = subprocess.Popen(
    [words.tool, "serve", "-m", words.model, "-p", "0", "--log", "none"], stderr=subprocess.PIPE, text=True)
port = int(re.search(r":(\d+)[,;]", server.stderr.readline()).group(1))
try:
    length = words.length
    body = {"prompt": "Day 1", "max_tokens": length}
    together(port, [body] * 2)
    alone = max(length / together(port, [dict(body, seed=1)])[1] for _ in range(3))
    many = max(
        32 * length / together(port, [dict(body, seed=seed) for seed in range(32)])[1] for _ in range(3))

    def first_characters(with_long):
        times = []
        for _ in range(25):
            bodies = [{"prompt": "x" * 40, "max_tokens": 20, "seed": seed} for seed in range(8)]
            if with_long:
                bodies.append({"prompt": "x" * 4000, "max_tokens": 20})
            times += [first * 1000 for first, _ in together(port, bodies)[0][:8]]
        times.sort()
        return {"median": statistics.median(times), "p99": times[int(len(times) * 0.99) - 1]}

    print(json.dumps({
        "generate": generate(4 * length), "one client": alone, "32 clients": many,
        "first character in ms, 8 clients": first_characters(False),
        "first character in ms, beside a long prompt": first_characters(True)}, indent=1))
finally:
    server.kill()
