"""Clients that others wrote against `majortom serve`: OpenAI's package, curl, and what no client would send.

Usage: serve.py MAJORTOM [openai]     (MAJORTOM: the tool; with openai, PyPI's openai and
openapi-spec-validator must be there)
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import server as processes
from server import models

tool = sys.argv[1]


def Server(*options):
    return processes.Server(tool, *options)


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
        line = server.line()
        assert "read again" in line, line
        assert server.ask("/health")[0] == 200


def slow_readers_are_left():
    """Who takes a byte of seven million now and then is left when --max-seconds are over."""
    with Server("--max-prompt", "1000000", "--max-body", "4000000", "--max-seconds", "3") as server:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", server.port))
        client.settimeout(60)
        client.sendall(processes.post("/v1/tokenize", json.dumps({"text": "a" * 1_000_000}).encode()))
        taken = 0
        with client:
            # For ten seconds something moves four times a second; then all that is there.
            end = time.time() + 10
            try:
                while time.time() < end and client.recv(1):
                    taken += 1
                    time.sleep(0.25)
                while piece := client.recv(1 << 20):
                    taken += len(piece)
            except ConnectionError:
                pass
        assert taken < 6_000_000, taken
        assert server.ask("/health")[0] == 200


def a_log_that_nobody_reads():
    """Its reader ends; the server goes on."""
    reader, writer = os.pipe()
    process = subprocess.Popen([tool, "serve", "-m", models[0], "--log", "text", "-p", "0"], stderr=writer)
    os.close(writer)
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(reader, 1)
    base = re.search(r" at (\S+?)[,;]", line.decode()).group(1)
    os.close(reader)
    try:
        for _ in range(3):
            with urllib.request.urlopen(base + "/health", timeout=20) as answer:
                assert answer.status == 200
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()


def one_file_put_in_place_of_another(count=20):
    """A file is replaced and read again by signals while it is used: none of the answers is an error."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/lm.safetensors"
        shutil.copy(models[0], path)
        with processes.Server(tool, models=[path]) as server:
            end, statuses = threading.Event(), set()

            def ask():
                while not end.is_set():
                    statuses.add(server.ask("/v1/completions", {"prompt": "Day", "max_tokens": 50})[0])

            asking = [threading.Thread(target=ask) for _ in range(4)]
            for thread in asking:
                thread.start()
            for _ in range(count):
                shutil.copy(models[0], path + ".new")
                os.replace(path + ".new", path)
                server.process.send_signal(signal.SIGHUP)
                assert "read again" in server.line()
            end.set()
            for thread in asking:
                thread.join()
            assert statuses == {200}, statuses


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
         one_file_put_in_place_of_another, wrong_words, slow_readers_are_left, a_log_that_nobody_reads]
if "openai" in sys.argv[2:]:
    tests = [openai_client, description] + tests
for test in tests:
    start = time.time()
    test()
    print(f"{test.__name__}: right, {time.time() - start:.1f} s", flush=True)
