"""A copy of what is kept of the output goes where the host finds it when the interpreter is killed: into
shared memory, or in frames where none is shared."""
import os
from _struct import Struct
from time import monotonic

from runner.libc import map_memory

_NUMBERS = Struct("<QQ")
_encode, _monotonic = str.encode, monotonic


class Snapshot:
    """One half of the shared file: bytes kept, characters written, then the text."""

    def __init__(self, view):
        self.view = view
        self.at = _NUMBERS.size
        self.clear()

    def clear(self):
        self.at = _NUMBERS.size
        _NUMBERS.pack_into(self.view, 0, 0, 0)

    def add(self, text, total):
        data = _encode(text, "utf-8", "surrogatepass")
        end = self.at + len(data)
        if end <= len(self.view):
            self.view[self.at : end] = data
            self.at = end
        _NUMBERS.pack_into(self.view, 0, self.at - _NUMBERS.size, total)

    def count(self, total):
        _NUMBERS.pack_into(self.view, 0, self.at - _NUMBERS.size, total)


class Stream:
    """Tells the host in frames: the first writes of a cell at once, then at most twenty a second."""

    AT_ONCE, EVERY = 50, 0.05

    def __init__(self, channel, name):
        self.channel, self.name = channel, name
        self.clear()

    def clear(self):
        self.parts, self.sent, self.last = [], 0, 0.0

    def add(self, text, total):
        self.parts.append(text)
        now = _monotonic()
        if self.sent < self.AT_ONCE or now - self.last > self.EVERY:
            self.sent += 1
            self.last = now
            texts, self.parts = "".join(self.parts), []
            self.channel.send({"printed": self.name, "count": total}, [texts])

    def count(self, total):
        pass


def mirrors_of(channel, setup):
    """(name, mirror) of stdout and stderr: where the host finds what a killed cell printed."""
    descriptor, half = setup["snapshot"], setup["snapshotBytes"]
    if descriptor is None:
        return [("<stdout>", Stream(channel, "stdout")), ("<stderr>", Stream(channel, "stderr"))]
    view = map_memory(2 * half, descriptor)
    os.close(descriptor)
    return [("<stdout>", Snapshot(view[:half])), ("<stderr>", Snapshot(view[half:]))]

