#!/usr/bin/env python3
"""What no client should send: requests with bytes changed, and a mixed load of everything at once.

Usage: abuse.py MAJORTOM mutate [REQUESTS [SEED]]
       abuse.py MAJORTOM mix [MINUTES [SEED]]

mutate: requests over all endpoints whose bytes are changed get 2xx or 4xx, and never 5xx; memory stays within 30 MB of what
it was after a tenth of them.
mix: for so long many clients ask rightly and wrongly, go away, read slowly, send slowly, and models are read again,
by signal and by request. The server must live, answer nothing but 2xx, 4xx and the promised 503, keep its memory, and end
by SIGTERM with 0. With a tool that is built with the address sanitizer it looks for leaks as it ends.
"""
import collections
import json
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time

from server import Connection, Server, post

tool, what = sys.argv[1:3]
amount = float(sys.argv[3]) if len(sys.argv) > 3 else None
seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1

samples = [(path, json.dumps(body).encode()) for path, body in (
    ("/v1/completions", {"model": "lm", "prompt": "Day 1", "max_tokens": 4, "temperature": 0.5, "top_p": 0.9,
                         "stop": ["ab", "c"], "n": 2, "logprobs": 2, "echo": True, "seed": -3}),
    ("/v1/completions", {"prompt": ["a", "bé"], "max_tokens": 3, "stream": True, "stream_options": {"include_usage": True}}),
    ("/v1/completions", {"prompt": [68, 97], "max_tokens": 2, "logit_bias": {"1": 5.5}, "frequency_penalty": 0.1,
                         "presence_penalty": -1, "top_k": 5, "min_p": 0.1, "typical_p": 0.9, "repeat_penalty": 1.1,
                         "repeat_last_n": 8}),
    ("/v1/completions", {"prompt": [[68], [97, 98]], "max_tokens": 2, "mirostat": 2, "mirostat_tau": 4, "mirostat_eta": 0.2,
                         "best_of": 1, "user": "x", "suffix": None}),
    ("/v1/tag", {"text": "Ann met Major Tom.", "least": 0.5, "model": "tagger"}),
    ("/v1/translate", {"text": "one\ntwo", "beam": 2, "best": 2, "attention": True, "max_length": 5, "length_power": 0.5,
                       "coverage": 0.2, "no_repeat": 2}),
    ("/v1/tokenize", {"text": "abc \u00e9\U0001f600"}), ("/v1/detokenize", {"tokens": [1, 2, 3]}),
    ("/v1/surprise", {"text": "abc"}), ("/v1/models/reload", {}),
)]
gets = ["/", "/health", "/metrics", "/openapi.json", "/v1/models", "/v1/models/lm"]
words = [b"[]", b"{}", b"null", b"true", b"0", b"-1", b"1e999", b"1e18", b"9223372036854775808", b"0.5", b'""', b'"\\ud800"',
         b"\\u0000", b"\xff", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"[" * 40, b'{"a":' * 20, b",", b":", b'"', b"\\", b"/*", b"\x00",
         b"\r\n", b"\n\n", b"%00", b"../", b" " * 300]


def mutated(numbers, text, most=4):
    """A text some of whose bytes are changed, left out, put in, or moved."""
    text = bytearray(text)
    for _ in range(numbers.randrange(1, most)):
        place = numbers.randrange(len(text) + 1)
        act = numbers.randrange(6)
        if act == 0:
            text[place:place + 1] = bytes([numbers.randrange(256)])
        elif act == 1:
            del text[place:place + numbers.choice((1, 1, 2, 8))]
        elif act == 2:
            text[place:place] = numbers.choice(words)
        elif act == 3:
            end = place + numbers.randrange(1, 12)
            text[place:place] = text[place:end] * numbers.choice((1, 1, 50))
        elif act == 4:
            text[place:place + numbers.randrange(1, 6)] = numbers.choice(words)
        else:
            sample = numbers.choice(samples)[1]
            start = numbers.randrange(len(sample))
            text[place:place] = sample[start:start + numbers.randrange(1, 30)]
    return bytes(text)


def request(numbers):
    """A request, whose body is changed mostly, and its head now and then; and whether its body alone is."""
    if numbers.random() < 0.1:
        whole = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % numbers.choice(gets).encode()
        return mutated(numbers, whole), False
    path, body = numbers.choice(samples)
    whole = post(path, mutated(numbers, body), b"Content-Type: application/json\r\n")
    if numbers.random() < 0.1:
        return mutated(numbers, whole), False
    return whole, True


def check(request, answer):
    """What is answered to anything at all."""
    status, body = answer
    # RFC 9110 has 501 for a method or an encoding that is not known, and 505 for such a version of HTTP.
    assert status < 500 or status in (501, 505), (request, answer)
    assert status != 400 or b'{"error":{"message":"' in body or b"<html>" in body or not body, (request, answer)


def taken(asked, client):
    """What has come as an answer to a request."""
    with client:
        client.setblocking(False)
        try:
            answer = client.recv(1 << 16)
        except OSError:
            return None
    if not answer.startswith(b"HTTP/1."):
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    answer = int(head.split()[1]), body
    check(asked, answer)
    return answer


def mutate(count):
    numbers = random.Random(seed)
    with Server(tool) as server:
        waiting = []
        connection, statuses, memories = Connection(server), collections.Counter(), []
        start = time.time()
        for number in range(count):
            asked, is_whole = request(numbers)
            if is_whole:
                answer = connection.ask(asked)
                assert answer, asked
                check(asked, answer)
            else:
                # Where the head is changed, an answer may not come before the server gives up waiting for the
                # rest: it is looked for later.
                client = server.connect()
                client.sendall(asked)
                if numbers.random() < 0.5:
                    client.shutdown(socket.SHUT_WR)
                waiting.append((asked, client))
                answer = taken(*waiting.pop(0)) if len(waiting) > 300 else ("later", b"")
            statuses[answer[0] if answer else "closed"] += 1
            if number % (count // 10) == count // 10 - 1:
                memories.append(server.memory())
        print(f"{count} mutated requests with seed {seed}: {dict(statuses)}, {count / (time.time() - start):.0f} a second; "
              "memory by tenths in kB: " + " ".join(map(str, memories)))
        # It takes thousands until all kinds of requests have come, in any order: 30 MB would be 300 bytes a request.
        assert memories[-1] <= memories[0] * 1.05 + 30_000, memories
        assert server.ask("/health")[0] == 200
        assert server.end() == 0


class Mix:
    """Clients of many kinds, each a thread."""

    def __init__(self, server, end):
        self.server, self.end = server, end
        self.statuses = collections.Counter()
        self.failures = []

    def run(self, act, number):
        numbers = random.Random(seed * 1000 + number)
        while time.time() < self.end and not self.failures:
            try:
                act(self, numbers)
            except (OSError, ValueError, IndexError) as error:
                # A server that is alive may close a connection on who asks wrongly.
                if self.server.process.poll() is not None:
                    self.failures.append(("the server ended", error))
            except AssertionError as error:
                self.failures.append(error)

    def note(self, answer, asked):
        if answer is None:
            return
        status = answer[0]
        self.statuses[status] += 1
        assert status < 500 or status in (501, 503, 505), (asked, answer)

    def right(self, numbers):
        connection = Connection(self.server)
        for _ in range(numbers.randrange(1, 20)):
            path, body = numbers.choice(samples)
            asked = post(path, body, b"Authorization: Bearer key\r\n")
            self.note(connection.ask(asked), asked)
        connection.close()

    def wrong(self, numbers):
        connection = Connection(self.server)
        for _ in range(20):
            asked, is_whole = request(numbers)
            if is_whole:
                self.note(connection.ask(asked.replace(b"Content-Type", b"Authorization: Bearer key\r\nX", 1)), asked)
        connection.close()
        with self.server.connect(5) as client:
            client.sendall(asked)
            client.recv(1000)

    def leave(self, numbers):
        """Goes away in the middle of a request, or of its answer."""
        path, body = numbers.choice([samples[1], samples[5], ("/v1/completions", b'{"max_tokens":4000,"stream":true}'),
                                     ("/v1/completions", b'{"max_tokens":4000,"n":4}'),
                                     ("/v1/translate", b'{"text":"one two three","beam":32,"max_length":4000}')])
        asked = post(path, body, b"Authorization: Bearer key\r\n")
        with self.server.connect(20) as client:
            client.sendall(asked[:numbers.randrange(1, len(asked) + 1)] if numbers.random() < 0.5 else asked)
            if numbers.random() < 0.5:
                time.sleep(numbers.random() * 0.3)
            if numbers.random() < 0.5:
                # A reset instead of an end.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def slow(self, numbers):
        """Reads slowly, or sends slowly."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.settimeout(20)
        client.connect(("127.0.0.1", self.server.port))
        asked = post("/v1/completions", b'{"max_tokens":4000,"stream":true,"logprobs":20}', b"Authorization: Bearer key\r\n")
        with client:
            if numbers.random() < 0.3:
                for byte in asked[:60]:
                    client.sendall(bytes([byte]))
                    time.sleep(0.05)
            else:
                client.sendall(asked)
                for _ in range(numbers.randrange(100)):
                    if not client.recv(numbers.choice((1, 500))):
                        break
                    time.sleep(0.05)

    def pipeline(self, numbers):
        """Many requests before the first answer is read."""
        with self.server.connect(20) as client:
            for _ in range(numbers.randrange(2, 30)):
                path, body = numbers.choice(samples[4:9])
                client.sendall(post(path, body, b"Authorization: Bearer key\r\n"))
            if numbers.random() < 0.7:
                for _ in range(numbers.randrange(20)):
                    client.recv(4096)

    def look(self, numbers):
        status, text = self.server.ask(numbers.choice(gets), headers={"Authorization": "Bearer key"})
        self.note((status, text), "GET")
        assert status == 200, (status, text)
        self.server.ask("/v1/models", headers={"Host": numbers.choice(["evil", "localhost"])})
        time.sleep(0.1)

    def reload(self, numbers):
        time.sleep(numbers.random() * 5)
        if numbers.random() < 0.5:
            self.server.process.send_signal(signal.SIGHUP)
        else:
            self.note(self.server.ask("/v1/models/reload", {}, {"Authorization": "Bearer key"}), "reload")


def mix(minutes):
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:exitcode=99:quarantine_size_mb=16", SWIFT_BACKTRACE="enable=no")
    with tempfile.TemporaryDirectory() as folder:
        key = f"{folder}/key"
        with open(key, "w") as file:
            file.write("key\n")
        options = ["--api-key-file", key, "--max-idle", "5", "--max-seconds", "10", "--max-queue", "64",
                   "--max-connections", "400", "--drain", "20"]
        with Server(tool, *options, environment=environment) as server:
            load = Mix(server, time.time() + 60 * minutes)
            kinds = [Mix.right] * 6 + [Mix.wrong] * 3 + [Mix.leave] * 4 + [Mix.slow] * 4 + [Mix.pipeline] * 2 \
                + [Mix.look, Mix.reload]
            threads = [threading.Thread(target=load.run, args=(act, number)) for number, act in enumerate(kinds)]
            for thread in threads:
                thread.start()
            begun = time.time()
            memories = []
            while any(thread.is_alive() for thread in threads) and server.process.poll() is None:
                time.sleep(min(5, minutes * 6))
                if time.time() < load.end and (time.time() - begun) / (minutes * 60) * 20 > len(memories):
                    memories.append(server.memory())
            for thread in threads:
                thread.join()
            code = server.process.poll()
            if code is None:
                code = server.end(limit=300)
            log = open(server.log.name).read()
            print(f"{minutes:g} minutes of mixed load, {len(threads)} clients, seed {seed}: {dict(load.statuses)}, exit code {code}; "
                  "memory in kB: " + " ".join(map(str, memories)))
            assert not load.failures, load.failures[:3]
            assert code == 0 and "Sanitizer" not in log, log[-20_000:]


if what == "mutate":
    mutate(int(amount or 100_000))
else:
    mix(amount or 60)
