"""What stands in for stdout, stderr and stdin: the head of the output is kept, all of it counted."""


class Output:
    encoding = "utf-8"
    errors = "surrogatepass"
    newlines = None
    closed = False
    line_buffering = False
    mode = "w"

    def __init__(self, name, kept_characters, mirror):
        self.name = name
        self.limit = kept_characters
        self.mirror = mirror
        self.parts = []
        self.room = kept_characters
        self.total = 0

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        size = str.__len__(text)
        self.total += size
        room = self.room
        if room > 0:
            # A plain str, even of a subclass, and never more of it than is kept.
            kept = str.__getitem__(text, slice(0, room)) if size > room else str.__str__(text)
            self.parts.append(kept)
            self.room = room - size
            self.mirror.add(kept, self.total)
        else:
            self.mirror.count(self.total)
        return size

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def take(self):
        """(text kept, characters written) since the last time."""
        text, total = "".join(self.parts)[: self.limit], self.total
        self.parts, self.room, self.total = [], self.limit, 0
        if total:
            self.mirror.clear()
        return text, total

    @property
    def buffer(self):
        return Bytes(self)

    def flush(self):
        pass

    def close(self):
        pass

    def isatty(self):
        return False

    def readable(self):
        return False

    def writable(self):
        return True

    def seekable(self):
        return False

    def reconfigure(self, **_options):
        pass

    def fileno(self):
        raise OSError("this stream of the REPL has no file descriptor")


class Bytes:
    def __init__(self, output):
        self.output = output

    def write(self, data):
        self.output.write(bytes(data).decode("utf-8", "replace"))
        return len(data)

    def flush(self):
        pass


class NoInput:
    encoding = "utf-8"
    closed = False

    def read(self, *_sizes):
        raise EOFError("there is no standard input in this REPL")

    readline = readlines = __next__ = read

    def __iter__(self):
        return self

    def isatty(self):
        return False

    def readable(self):
        return False

    def fileno(self):
        raise OSError("there is no standard input in this REPL")


def refuse_input(prompt="", /):
    """Replaces the builtin: nobody sits at this REPL."""
    raise EOFError("input() is not available in this REPL: nobody can answer it")
