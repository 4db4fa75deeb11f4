"""Clients that others wrote against `majortom serve`: OpenAI's package, curl, and what no client would send.

Usage: serve.py MAJORTOM [openai]     (MAJORTOM: the tool; with openai, PyPI's openai and
openapi-spec-validator must be there)
"""
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

tool = sys.argv[1]
fixtures = pathlib.Path(__file__).resolve().parent.parent / "GoldenTests/Fixtures/version-1"
models = [str(fixtures / f"{name}.safetensors") for name in ("lm", "tagger", "translator")]


class Server:
    """The tool, serving at a port that was free."""

    def __init__(self, *options):
        arguments = [tool, "serve", "--log", "none"]
        for model in models:
            arguments += ["-m", model]
        if "--listen" not in options:
            options += ("-p", "0")
        self.process = subprocess.Popen(arguments + list(options), stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        found = re.search(r" at (\S+?)[,;]", line)
        assert found, line
        self.base = found.group(1)
        if self.base.startswith("http"):
            self.port = int(self.base.rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def end(self, number=signal.SIGTERM):
        """Asks it to end; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)

    def ask(self, path, body=None, headers=(), method=None):
        """Status and text of an answer."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, dict(headers), method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def memory(self):
        """Its resident memory in kB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))


def openai_client():
    import openai

    with Server() as server:
        client = openai.OpenAI(base_url=server.base + "/v1", api_key="none", max_retries=0)
        assert [model.id for model in client.models.list()] == ["lm", "tagger", "translator"]
        options = dict(model="lm", prompt="Day 1", max_tokens=40, seed=5, temperature=0.9)
        whole = client.completions.create(**options, logprobs=2)
        assert whole.usage.completion_tokens == 40
        assert len(whole.choices[0].logprobs.tokens) == 40
        pieces = client.completions.create(**options, stream=True)
        assert "".join(piece.choices[0].text for piece in pieces) == whole.choices[0].text
        both = client.completions.create(**options, n=2, stop=["zz"], extra_body={"min_p": 0.1})
        assert len(both.choices) == 2
        for wrong, kind in (
            (dict(options, model="x"), openai.NotFoundError),
            (dict(options, temperature=9), openai.BadRequestError),
        ):
            try:
                client.completions.create(**wrong)
                raise AssertionError("no error")
            except kind as error:
                assert error.body["message"], error


def description():
    from openapi_spec_validator import validate

    with Server() as server:
        validate(json.loads(server.ask("/openapi.json")[1]))


def curl_streams():
    with Server() as server:
        body = json.dumps({"prompt": "Day", "max_tokens": 30, "stream": True})
        found = subprocess.run(
            ["curl", "-sS", "--no-buffer", server.base + "/v1/completions", "-d", body],
            capture_output=True, text=True, check=True, timeout=60).stdout
        assert found.endswith("data: [DONE]\n\n"), found[-100:]


def a_socket_in_a_file():
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/socket"
        with Server("--listen", f"unix:{path}") as server:
            found = subprocess.run(
                ["curl", "-sS", "--unix-socket", path, "http://localhost/health"],
                capture_output=True, text=True, check=True, timeout=60).stdout
            assert found == '{"status":"ok"}'
            assert server.end() == 0
        assert not os.path.exists(path)


def the_end_waits_for_what_is_under_way():
    with Server("--drain", "60") as server:
        found = []
        body = {"max_tokens": 4000, "seed": 1}
        asking = threading.Thread(target=lambda: found.append(server.ask("/v1/completions", body)))
        asking.start()
        time.sleep(0.3)
        assert server.end() == 0
        asking.join()
        assert found[0][0] == 200, found
        assert json.loads(found[0][1])["usage"]["completion_tokens"] == 4000


def models_are_read_again():
    with Server() as server:
        server.process.send_signal(signal.SIGHUP)
        line = server.process.stderr.readline()
        assert "read again" in line, line
        assert server.ask("/health")[0] == 200


def many_clients_at_once():
    """1,000 connections: each is answered, or told that the queue is full."""
    with Server() as server:
        body = b'{"prompt":"Day","max_tokens":20}'
        request = (b"POST /v1/completions HTTP/1.0\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
                   % len(body)) + body
        clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(1000)]
        for client in clients:
            client.sendall(request)
        statuses = []
        for client in clients:
            client.settimeout(120)
            answer = b""
            while piece := client.recv(65536):
                answer += piece
            statuses.append(answer.split(b" ", 2)[1])
            client.close()
        assert set(statuses) <= {b"200", b"429", b"503"}, set(statuses)
        assert statuses.count(b"200") >= 256


def memory_stays(count=3000):
    """Requests in a row, some of whose clients go away: memory does not grow."""
    with Server() as server:
        first = None
        for number in range(count):
            body = {"prompt": "Day", "max_tokens": 3, "stream": number % 3 == 0}
            assert server.ask("/v1/completions", body)[0] == 200
            if number % 10 == 0:
                client = socket.create_connection(("127.0.0.1", server.port))
                client.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
                               b"Content-Length: 33\r\n\r\n" + b'{"max_tokens":4000,"stream":true}')
                client.close()
            if number == count // 10:
                first = server.memory()
        last = server.memory()
        assert last < first * 1.05 + 2000, (first, last)
        print(f"  {count} requests: {first} kB, then {last} kB")


def wrong_requests(count=2000):
    """Requests with bytes changed get 2xx or 4xx, never 5xx, and the server stays."""
    numbers = random.Random(1)
    samples = [
        ("/v1/completions", b'{"prompt":"Day","max_tokens":4,"temperature":0.5,"stop":["a"],"n":1}'),
        ("/v1/tag", b'{"text":"Ann met Major Tom.","least":0.5}'),
        ("/v1/translate", b'{"text":"one","beam":2,"best":2,"attention":true,"max_length":5}'),
        ("/v1/tokenize", b'{"text":"abc"}'), ("/v1/detokenize", b'{"tokens":[1,2,3]}'),
        ("/v1/surprise", b'{"text":"abc"}'),
    ]
    with Server() as server:
        seen = set()
        for _ in range(count):
            path, body = numbers.choice(samples)
            body = bytearray(body)
            for _ in range(numbers.randrange(1, 4)):
                place = numbers.randrange(len(body))
                act = numbers.randrange(3)
                if act == 0:
                    body[place] = numbers.randrange(256)
                elif act == 1:
                    del body[place]
                else:
                    body[place:place] = bytes(numbers.choice(b'[]{}",:019e-.\\u\xff') for _ in range(2))
            status, text = server.ask(path, bytes(body))
            seen.add(status)
            assert status < 500, (path, bytes(body), text)
            if status >= 400:
                assert json.loads(text)["error"]["message"]
        for request in (b"\r\n\r\n", b"GET", b"\x00" * 1000, b"GET / HTTP/9.9\r\n\r\n",
                        b"POST /v1/tag HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                try:
                    client.sendall(request)
                    client.shutdown(socket.SHUT_WR)
                    client.settimeout(20)
                    client.recv(1000)
                except OSError:
                    pass
        assert server.ask("/health")[0] == 200
        print(f"  {count} mutated requests: {sorted(seen)}")


def wrong_words():
    for words, code, sentence in (
        (["-m", "/nothing"], 1, "nothing"),
        (["-m", models[0], "--listen", "name"], 1, "cannot be listened at"),
        (["-m", models[0], "-p", "99999"], 2, "--port"),
        (["-m", models[0], "-m", models[0]], 1, "two of the models"),
        (["-m", __file__], 1, "serve.py"),
    ):
        found = subprocess.run([tool, "serve"] + words, capture_output=True, text=True, timeout=60)
        assert found.returncode == code and sentence in found.stderr, (words, found)
    with Server() as server:
        found = subprocess.run(
            [tool, "serve", "-m", models[0], "-p", str(server.port)], capture_output=True, text=True,
            timeout=60)
        assert found.returncode == 1 and "in use" in found.stderr, found


tests = [curl_streams, a_socket_in_a_file, the_end_waits_for_what_is_under_way, models_are_read_again,
         wrong_words, wrong_requests, many_clients_at_once, memory_stays]
if "openai" in sys.argv[2:]:
    tests = [openai_client, description] + tests
for test in tests:
    start = time.time()
    test()
    print(f"{test.__name__}: right, {time.time() - start:.1f} s", flush=True)
