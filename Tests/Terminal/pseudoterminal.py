"""Runs a program on a pseudo-terminal of a given size, and keeps what it writes there.

The screen is a small emulation of what a terminal shows: printing with wide and combining characters,
carriage return, line feed, and the escape sequences that the tool uses.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unicodedata


def width(text):
    """The cells that a text takes, by Python's own tables of Unicode."""
    cells = 0
    for character in text:
        if unicodedata.category(character) in ("Mn", "Me", "Cf"):
            continue
        cells += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return cells


class Screen:
    """Lines as they stand in the end, and how often a line was broken because it was too long."""

    def __init__(self, columns):
        self.columns, self.lines, self.row, self.column, self.wraps = columns, [""], 0, 0, 0

    def write(self, text):
        for token in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[\s\S]", text):
            if token == "\r":
                self.column = 0
            elif token == "\n":
                self.row += 1
                if self.row == len(self.lines):
                    self.lines.append("")
            elif token == "\x1b[J":
                self.lines = self.lines[: self.row + 1]
                self.lines[self.row] = self._cells(self.row, self.column)
            elif token == "\x1b[K":
                self.lines[self.row] = self._cells(self.row, self.column)
            elif not token.startswith("\x1b"):
                self._put(token)

    def _cells(self, row, count):
        """The first cells of a row; a wide character is followed by an empty cell, \\0."""
        return self.lines[row].ljust(count)[:count]

    def _put(self, character):
        cells = width(character)
        if self.column + cells > self.columns:
            self.wraps += 1
            self.row, self.column = self.row + 1, 0
            if self.row == len(self.lines):
                self.lines.append("")
        line = self.lines[self.row].ljust(self.column)
        put = character + "\0" if cells == 2 else character if cells else ""
        self.lines[self.row] = line[: self.column] + put + line[self.column + cells :]
        self.column += cells

    def text(self):
        return "\n".join(line.rstrip().replace("\0", "") for line in self.lines)


class Session:
    """A program on a terminal: `output` is all that it wrote, `live` its live lines with the columns then."""

    LIVE = re.compile(r"\r([^\r\n\x1b]*)\x1b\[J\r")

    def __init__(self, arguments, columns, environment=None, resize=(), folder=None, seconds=240, until=None):
        """`resize` has pairs of how many live lines were shown, and the columns from then on."""
        self.columns, self.output, self.live = columns, "", []
        environment = {**os.environ, "TERM": "xterm-256color", **(environment or {})}
        environment = {name: value for name, value in environment.items() if value is not None}
        master, slave = pty.openpty()
        self._size(master, columns)
        process = os.fork()
        if process == 0:
            os.setsid()
            # Whoever starts the test in the background may have it ignore Ctrl-C.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            if folder:
                os.chdir(folder)
            for stream in (0, 1, 2):
                os.dup2(slave, stream)
            os.execvpe(arguments[0], arguments, environment)
        os.close(slave)
        start, pending, waiting = time.monotonic(), list(resize), ""
        self.status = None
        settled = start
        while True:
            now = time.monotonic()
            if now - start > seconds:
                os.kill(process, signal.SIGKILL)
                raise AssertionError(f"{arguments} took more than {seconds} s: {self.output[-500:]}")
            if pending and len(self.live) >= pending[0][0]:
                self.columns = pending.pop(0)[1]
                self._size(master, self.columns)
                settled = now + 0.3
            ready = select.select([master], [], [], 0.02)[0]
            if not ready:
                continue
            try:
                data = os.read(master, 65536)
            except OSError:
                break
            if not data:
                break
            text = data.decode("utf-8", "replace")
            self.output += text
            waiting += text
            for match in self.LIVE.finditer(waiting):
                # Between a change of the size and the next line, a line may be of either size.
                self.live.append((match.group(1), self.columns, time.monotonic() >= settled))
            waiting = waiting[-1000:] if "\r" not in waiting else waiting[waiting.rindex("\r") :]
            if until and until in self.output:
                os.kill(process, signal.SIGINT)
                until = None
        self.status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        os.close(master)

    @staticmethod
    def _size(descriptor, columns):
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def screen(self):
        screen = Screen(self.columns)
        screen.write(self.output.replace("\r\n", "\n\r"))
        return screen
