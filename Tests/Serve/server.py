"""`majortom serve` as a process, for the scripts beside this one."""
import json
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request

root = pathlib.Path(__file__).resolve().parent.parent.parent
fixtures = root / "Tests/GoldenTests/Fixtures/version-1"
# Models that have learnt nothing, and are small.
models = [str(fixtures / f"{name}.safetensors") for name in ("lm", "tagger", "translator")]


class Server:
    """The tool, serving at a port that was free."""

    def __init__(self, tool, *options, models=models, environment=None):
        arguments = [tool, "serve"]
        if "--log" not in options:
            arguments += ["--log", "none"]
        for model in models:
            arguments += ["-m", model]
        if "--listen" not in options and "-p" not in options:
            options += ("-p", "0")
        # What it writes goes to a file, as nobody reads a pipe while it is under load.
        self.log = tempfile.NamedTemporaryFile(mode="r", prefix="majortom-serve-")
        with open(self.log.name, "w") as log:
            self.process = subprocess.Popen(arguments + list(options), stderr=log, env=environment)
        line = self.line()
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

    def line(self):
        """The next line that it writes."""
        for _ in range(1200):
            place = self.log.tell()
            line = self.log.readline()
            if line.endswith("\n"):
                return line
            self.log.seek(place)
            if self.process.poll() is not None:
                return line
            try:
                self.process.wait(0.05)
            except subprocess.TimeoutExpired:
                pass
        raise AssertionError("it says nothing")

    def end(self, number=signal.SIGTERM, limit=60):
        """Asks it to end; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(limit)

    def connect(self, limit=60):
        client = socket.create_connection(("127.0.0.1", self.port))
        client.settimeout(limit)
        return client

    def ask(self, path, body=None, headers=(), method=None):
        """Status and text of an answer."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, dict(headers), method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def memory(self):
        """Its resident memory in kB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))


class Connection:
    """A connection that is kept, over which requests go byte for byte."""

    def __init__(self, server):
        self.server = server
        self.socket = None

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def ask(self, request):
        """Status and body of the answer to a request; None where the server closes without one."""
        for is_again in (False, True):
            is_new = self.socket is None
            if is_new:
                self.socket = self.server.connect()
                self.file = self.socket.makefile("rb")
            try:
                self.socket.sendall(request)
                answer = self.read()
            except OSError:
                answer = None
            if answer is not None:
                return answer
            self.close()
            # A connection that was kept may have been closed in between.
            if is_new:
                return None
        return None

    def read(self):
        status = self.file.readline()
        if not status.startswith(b"HTTP/1."):
            return None
        length, chunked, closes = None, False, False
        while (line := self.file.readline().strip()):
            name, _, value = line.partition(b":")
            name, value = name.lower(), value.strip().lower()
            if name == b"content-length":
                length = int(value)
            elif name == b"transfer-encoding":
                chunked = value == b"chunked"
            elif name == b"connection":
                closes = value == b"close"
        code = int(status.split()[1])
        if code == 100:
            return self.read()
        if chunked:
            body = b""
            while (size := int(self.file.readline(), 16)):
                body += self.file.read(size)
                self.file.readline()
            self.file.readline()
        else:
            body = self.file.read() if length is None else self.file.read(length)
        if closes or length is None and not chunked:
            self.close()
        return code, body


def post(path, body, headers=b""):
    """The bytes of a request."""
    return (b"POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %d\r\n\r\n"
            % (path.encode(), headers, len(body))) + body
