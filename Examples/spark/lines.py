"""One majortom per task of Spark: lines in, lines out, in order.

    with Lines(["/usr/local/bin/majortom", "tag", "-m", "names.safetensors", "--format", "jsonl", "--keep-going"]) as lines:
        print(lines.ask(["Mission control lost Major Tom near Neptune."]))
"""
import subprocess
import threading


class Lines:
    """A command that gives one line for each line, and gives it before it waits for more."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.process.kill()
        else:
            self.process.stdin.close()
        code = self.process.wait()
        self.process.stdout.close()
        if code and not kind:
            raise RuntimeError(f"{self.process.args}: exit code {code}")

    def ask(self, texts):
        """The lines for some texts; a text is str or bytes, and None gives None.

        A line feed in a text would make two lines of it, so it becomes a space.
        """
        given = [text.encode() if isinstance(text, str) else text for text in texts if text is not None]
        # Who writes much and reads nothing waits for one that does the same, so another thread writes.
        writer = threading.Thread(target=self.write, args=[given])
        writer.start()
        found = [None if text is None else self.read() for text in texts]
        writer.join()
        return found

    def write(self, given):
        try:
            self.process.stdin.write(b"".join(bytes(text).replace(b"\n", b" ") + b"\n" for text in given))
            self.process.stdin.flush()
        except BrokenPipeError:
            # read() tells what became of the tool.
            pass

    def read(self):
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            raise RuntimeError(f"{self.process.args}: ended before its input, with exit code {self.process.wait()}")
        return line[:-1].decode()
