#!/usr/bin/env python3
"""Characters per second of `majortom serve`, with 1 and 32 clients, against `generate`, which has one thread.

    Benchmarks/serve.py TOOL MODEL [--length 400] [--rounds 5]

Prints one JSON object: rates in characters per second, measured by wrk (Debian's `wrk`) in rounds that take turns with
`generate`, with the median of the rounds' ratios; and with 8 clients the time to the first character, also while a
ninth sends a prompt of 4,000 characters.
"""
import argparse
import http.client
import json
import re
import statistics
import subprocess
import tempfile
import threading
import time

words = argparse.ArgumentParser()
words.add_argument("tool")
words.add_argument("model")
words.add_argument("--length", type=int, default=400)
words.add_argument("--rounds", type=int, default=5)
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


def wrk(port, clients, streams):
    """Characters per second of so many clients that ask again and again."""
    script = f"""
        local seed = 0
        request = function()
          seed = seed + 1
          return wrk.format("POST", "/v1/completions", {{["Content-Type"] = "application/json"}}, string.format(
            '{{"prompt":"Day 1","max_tokens":{words.length},"temperature":1,"seed":%d,"stream":{str(streams).lower()}}}',
            seed))
        end"""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        told = subprocess.run(
            ["wrk", f"-c{clients}", "-t1", "-d4s", "--timeout", "60s", "-s", file.name, f"http://127.0.0.1:{port}"],
            capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in told and "Socket errors" not in told, told
    return words.length * float(re.search(r"Requests/sec: *([0-9.]+)", told).group(1))


server = subprocess.Popen(
    [words.tool, "serve", "-m", words.model, "-p", "0", "--log", "none"], stderr=subprocess.PIPE, text=True)
port = int(re.search(r":(\d+)[,;]", server.stderr.readline()).group(1))
try:
    length = words.length
    body = {"prompt": "Day 1", "max_tokens": length}
    together(port, [body] * 2)
    rounds = []
    for _ in range(words.rounds):
        alone = generate(4 * length)
        rounds.append({"generate": alone} | {
            f"{clients} clients{', streams' if streams else ''}": wrk(port, clients, streams)
            for clients in (1, 32) for streams in (False, True)})

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
        "cpu": re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read()).group(1), "rounds": rounds,
        "median ratio": {
            name: statistics.median(found[name] / found["generate"] for found in rounds) for name in rounds[0]},
        "first character in ms, 8 clients": first_characters(False),
        "first character in ms, beside a long prompt": first_characters(True)}, indent=1))
finally:
    server.kill()
