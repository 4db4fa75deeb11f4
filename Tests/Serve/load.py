#!/usr/bin/env python3
"""Many requests: 10,000 in a row, and 1,000 clients at once.

Usage: load.py MAJORTOM [REQUESTS [CLIENTS]]

None may get another error than the promised 429 or 503, all are answered, and the server's memory stays as it was.
"""
import asyncio
import collections
import json
import re
import shutil
import subprocess
import sys
import time

from server import Connection, Server, post

tool = sys.argv[1]
count = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
clients = int(sys.argv[3]) if len(sys.argv) > 3 else 1000

completion = json.dumps({"prompt": "Day 1", "max_tokens": 16, "seed": 1}).encode()
requests = [post(path, json.dumps(body).encode()) for path, body in (
    ("/v1/completions", {"prompt": "Day 1", "max_tokens": 16, "seed": 1}),
    ("/v1/completions", {"prompt": "Day 1", "max_tokens": 8, "stream": True, "logprobs": 2}),
    ("/v1/tag", {"text": "Ann met Major Tom in Rome."}),
    ("/v1/translate", {"text": "one two", "beam": 2, "max_length": 5, "attention": True}),
    ("/v1/tokenize", {"text": "Day 1"}),
    ("/v1/surprise", {"text": "Day 1 of the journey"}),
)] + [b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"]


def in_a_row(server):
    """One request after another over a connection that is kept; each 50th client comes anew."""
    connection = Connection(server)
    start, memories = time.time(), []
    for number in range(count):
        answer = connection.ask(requests[number % len(requests)])
        assert answer and answer[0] == 200, (number, answer)
        if number % 50 == 49:
            connection.close()
        if number % (count // 10) == count // 10 - 1:
            memories.append(server.memory())
    print(f"{count} requests in a row: all 200, {count / (time.time() - start):.0f} a second; memory by tenths in kB: "
          + " ".join(map(str, memories)))
    assert memories[-1] <= memories[0] * 1.05, memories


async def one(port, gate, statuses):
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await gate.wait()
        writer.write(b"POST /v1/completions HTTP/1.0\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
                     % len(completion) + completion)
        answer = await asyncio.wait_for(reader.read(), 120)
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        if status in (429, 503):
            assert b"retry-after" in head.lower(), head
        assert json.loads(body)
        statuses[status] += 1
        writer.close()
    except (OSError, asyncio.TimeoutError, IndexError, ValueError) as error:
        statuses[repr(error)] += 1


async def at_once(port, statuses):
    gate = asyncio.Event()
    asking = [asyncio.create_task(one(port, gate, statuses)) for _ in range(clients)]
    await asyncio.sleep(0.5)
    gate.set()
    await asyncio.gather(*asking)


def crowds(server, rounds=10):
    """All clients connect, and then ask at the same moment."""
    memories = []
    for _ in range(rounds):
        statuses = collections.Counter()
        start = time.time()
        asyncio.run(at_once(server.port, statuses))
        memories.append(server.memory())
        assert set(statuses) <= {200, 429, 503}, statuses
        # As many as there is room for are served.
        assert statuses[200] >= min(clients, 256), statuses
    print(f"{clients} clients at once, {rounds} times: {dict(statuses)} in {time.time() - start:.1f} s; memory in kB: "
          + " ".join(map(str, memories)))
    # The allocator of each thread that writes grows for some rounds to what a crowd needs, and then no more.
    assert memories[-1] <= memories[3] * 1.05, memories


def hey(server):
    """Debian's hey, which keeps its connections."""
    if shutil.which("hey") is None:
        print("hey is not installed")
        return
    found = subprocess.run(
        ["hey", "-n", str(count), "-c", "250", "-m", "POST", "-T", "application/json", "-d", completion.decode(),
         server.base + "/v1/completions"], capture_output=True, text=True, check=True, timeout=600).stdout
    statuses = dict(re.findall(r"\[(\d+)\]\s+(\d+) responses", found))
    assert set(statuses) <= {"200", "429", "503"} and "Error distribution" not in found, found
    assert sum(map(int, statuses.values())) >= count - 250, found
    print(f"hey, 250 clients: {statuses}, {re.search(r'Requests/sec:.*', found).group(0)}")


with Server(tool) as server:
    in_a_row(server)
    hey(server)
    crowds(server)
    assert server.ask("/health")[0] == 200
    assert server.end() == 0
