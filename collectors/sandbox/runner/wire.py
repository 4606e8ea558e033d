"""Frames over one byte stream, both ways, from any thread.

u32be header bytes | u32be blob bytes | header (JSON) | blob. Texts travel in the blob: the header's
`texts` lists their sizes in bytes, positive for UTF-8, negative for UTF-16-LE, which carries the lone
surrogates that UTF-8 cannot. Whoever waits for a frame reads; at most one thread does at a time, and
hands the others what is theirs. The functions used here are bound once, at start, so a cell that replaces
`os.write` breaks only itself; JSON is done by the C functions under the json package, which most sessions
then need not load.
"""
import _thread
import itertools
import os
import select
import sys
import time
from _struct import Struct

from _collections import deque
from _json import encode_basestring_ascii, make_encoder, make_scanner


class _Plain:
    """What `json.JSONDecoder` tells its scanner when it is made without arguments."""

    strict, memo = True, {}
    object_hook = object_pairs_hook = array_hook = None
    parse_float, parse_int = float, int
    parse_constant = {"-Infinity": float("-inf"), "Infinity": float("inf"), "NaN": float("nan")}.__getitem__


def _refuse(value):
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _encoder(markers):
    return make_encoder(markers, _refuse, encode_basestring_ascii, None, ":", ",", False, False, True)


_scan = make_scanner(_Plain)
_encode_header = _encoder(None)
_join = "".join


def encode_json(value):
    """As `json.dumps` does; the markers are what tells a list that holds itself."""
    return _join(_encoder({})(value, 0))


def decode_json(text):
    """As `json.loads` does."""
    text = text.strip(" \t\n\r")
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        end = None
    if end == len(text):
        return value
    from json import loads

    return loads(text)


_sizes = Struct(">II")
_pack, _unpack = _sizes.pack, _sizes.unpack
_read, _readv, _write, _exit, _identity = os.read, os.readv, os.write, os._exit, _thread.get_ident
_lock, _start_thread = _thread.allocate_lock, _thread.start_new_thread
_set_blocking, _now = getattr(os, "set_blocking", None), time.monotonic

SOURCE = 3
# Where the stream came as stdin and stdout, boot.py has moved them.
TARGET = 4 if "stdio" in sys.argv else 3
LARGEST_PAYLOAD = 64 << 20
LARGEST_HEADER = 1 << 20
_CHUNK = 1 << 16
# Seconds of looking, and how many waits at most go by without it.
_MOMENT, _MOST_PASSED_OVER = 100e-6, 63


class TooLarge(ValueError):
    pass


TooLarge.__name__ = TooLarge.__qualname__ = "ValueError"
TooLarge.__module__ = "builtins"


def encode_text(text):
    """(size for the header, bytes); the size is negative for UTF-16."""
    try:
        data = str.encode(text, "utf-8")
        return len(data), data
    except UnicodeEncodeError:
        data = str.encode(text, "utf-16-le", "surrogatepass")
        return -len(data), data


def decode_text(size, data):
    if size < 0:
        return str(data, "utf-16-le", "surrogatepass")
    return str(data, "utf-8")


class Waiter:
    """A thread that waits: `wake` is a semaphore, released when there is something to look at."""

    __slots__ = ("wake", "done", "header", "blob")

    def __init__(self):
        self.wake = _lock()
        self.wake.acquire()
        self.done = False
        self.header = self.blob = None

    def rouse(self):
        try:
            self.wake.release()
        except RuntimeError:
            # Roused already.
            pass


class Channel:
    def __init__(self, interrupts):
        self.interrupts = interrupts
        self.main = _identity()
        self.orders = deque()
        self.idle = Waiter()
        self.waiting = {}
        self.numbers = itertools.count(1).__next__
        self.writing = _lock()
        self.reading = _lock()
        self.rest = b""
        poll = select.poll()
        poll.register(SOURCE, select.POLLIN)
        self.poll = poll.poll
        self.sent_too_much = False
        self.missed = self.pass_over = 7

    def start_reader(self):
        """Reads all the time, so that an interrupt which is a frame is seen while a cell computes."""

        def read():
            with self.reading:
                while True:
                    self.dispatch(*self.receive())

        _start_thread(read, ())

    # Writing

    def send(self, header, texts=()):
        pieces = []
        if texts:
            header["texts"] = sizes = []
            for text in texts:
                size, data = encode_text(text)
                sizes.append(size)
                pieces.append(data)
        self.write(_join(_encode_header(header, 0)).encode("ascii"), b"".join(pieces))

    def write(self, head, blob):
        if len(head) > LARGEST_HEADER or len(blob) > LARGEST_PAYLOAD:
            self.sent_too_much = True
            raise TooLarge(
                f"too much for one message to the host: {len(head) + len(blob):,} bytes; "
                f"at most {LARGEST_PAYLOAD:,}"
            )
        if len(blob) < _CHUNK:
            chunks = [_pack(len(head), len(blob)) + head + blob]
        else:
            chunks = [_pack(len(head), len(blob)) + head, blob]
        # An interrupt between the halves of a frame would corrupt the stream: it waits.
        interrupts = self.interrupts if _identity() == self.main else None
        if interrupts:
            interrupts.held += 1
        try:
            with self.writing:
                for chunk in chunks:
                    written = self.write_some(chunk)
                    if written < len(chunk):
                        view = memoryview(chunk)[written:]
                        while view:
                            view = view[self.write_some(view) :]
        finally:
            if interrupts:
                interrupts.held -= 1
        if interrupts and interrupts.pending:
            interrupts.raise_pending()

    def write_some(self, data):
        try:
            return _write(TARGET, data)
        except BlockingIOError:
            _set_blocking(TARGET, True)
            return _write(TARGET, data)

    # Reading

    def read_some(self, size=_CHUNK):
        try:
            data = _read(SOURCE, size)
        except BlockingIOError:
            # A cell has made the channel not block.
            _set_blocking(SOURCE, True)
            return self.read_some(size)
        if not data:
            _exit(0)
        return data

    def arrival(self):
        """Looks for a frame for a moment before it sleeps, as long as frames come that soon: to be woken
        takes longer than most answers of a cache or a recording. True when one is there."""
        if self.pass_over:
            self.pass_over -= 1
            return False
        poll, until = self.poll, _now() + _MOMENT
        while _now() < until:
            if poll(0):
                self.missed = 0
                return True
        self.missed = self.pass_over = min(2 * self.missed + 1, _MOST_PASSED_OVER)
        return False

    def receive(self, interruptible=False):
        """The next frame; a blob that does not fit into memory is read past and is None."""
        data = self.rest
        if interruptible and not data:
            # Nothing of the frame has been read yet: here, and only here, an interrupt may come through.
            interrupts = self.interrupts
            held, interrupts.held = interrupts.held, 0
            try:
                if interrupts.pending:
                    interrupts.raise_pending()
                self.arrival() or self.poll()
            finally:
                interrupts.held = held
        elif not data:
            self.arrival()
        if not data:
            data = self.read_some()
        try:
            while len(data) < 8:
                data += self.read_some()
            head_size, blob_size = _unpack(data[:8])
            start = 8 + head_size
            while len(data) < start:
                data += self.read_some(start - len(data))
            header = _scan(data[8:start].decode("utf-8"), 0)[0]
            end = start + blob_size
            if len(data) >= end:
                self.rest = data[end:]
                return header, data[start:end]
            data = data[start:]
            self.rest = b""
            return header, self.receive_blob(data, blob_size)
        except MemoryError:
            # Half a frame is lost; what comes next cannot be told apart.
            _exit(71)

    def receive_blob(self, beginning, size):
        missing = size - len(beginning)
        try:
            blob = memoryview(bytearray(size))
        except MemoryError:
            while missing:
                missing -= len(self.read_some(min(_CHUNK, missing)))
            return None
        blob[: len(beginning)] = beginning
        while missing:
            try:
                got = _readv(SOURCE, [blob[size - missing :]])
            except BlockingIOError:
                _set_blocking(SOURCE, True)
                continue
            if not got:
                _exit(0)
            missing -= got
        return blob

    def dispatch(self, header, blob):
        number = header.get("answer")
        if number is None:
            if "interrupt" in header:
                self.interrupts.interrupt_main(self.main)
                return
            self.orders.append((header, blob))
            self.idle.rouse()
            return
        waiter = self.waiting.pop(number, None)
        if waiter is not None:
            waiter.header, waiter.blob, waiter.done = header, blob, True
            waiter.rouse()

    def wake_next(self):
        """Whoever gives up reading leaves it to another who waits."""
        if self.idle.done:
            self.idle.rouse()
        for waiter in list(self.waiting.values()):
            waiter.rouse()
            return

    def wait(self, waiter, arrived):
        """Until `arrived(waiter)`; reads frames when nobody else does."""
        interrupts = self.interrupts if _identity() == self.main else None
        while not arrived(waiter):
            if interrupts:
                interrupts.held += 1
            try:
                leads = self.reading.acquire(False)
                if leads:
                    try:
                        while not arrived(waiter):
                            self.dispatch(*self.receive(interrupts is not None and interrupts.active))
                    finally:
                        self.reading.release()
            finally:
                if interrupts:
                    interrupts.held -= 1
            if not leads:
                waiter.wake.acquire()
        if interrupts and interrupts.pending:
            interrupts.raise_pending()

    def next_order(self):
        """(header, blob) of the next order; for the main thread, between cells."""
        orders, idle = self.orders, self.idle
        if not orders:
            idle.done = True
            self.wait(idle, lambda _waiter: orders)
            idle.done = False
        if self.waiting and not self.reading.locked():
            self.wake_next()
        return orders.popleft()

    def call(self, function, prompts, model, batched):
        """Asks the host and waits; other threads go on meanwhile."""
        if model is not None and not isinstance(model, str):
            raise TypeError(f"model must be a str or None, not {type(model).__name__}")
        texts, encoded = [], []
        for index, prompt in enumerate(prompts):
            if isinstance(prompt, str):
                texts.append(prompt)
            else:
                texts.append(encode_json(prompt))
                encoded.append(index)
        number = self.numbers()
        header = {"call": number, "function": function, "batched": batched}
        if model is not None:
            header["model"] = model
        if encoded:
            header["encoded"] = encoded
        waiter = self.waiting[number] = Waiter()
        try:
            self.send(header, texts)
            self.wait(waiter, _is_done)
        finally:
            self.waiting.pop(number, None)
            if (self.waiting or self.idle.done) and not self.reading.locked():
                self.wake_next()
        return self.result(waiter.header, waiter.blob)

    def result(self, header, blob):
        if blob is None:
            raise MemoryError("the host's answer does not fit into the memory of this REPL")
        kind, sizes = header["kind"], header["texts"]
        if kind == "text":
            return decode_text(sizes[0], blob)
        texts, start = [], 0
        for size in sizes:
            texts.append(decode_text(size, blob[start : start + abs(size)]))
            start += abs(size)
        if kind == "error":
            raise RuntimeError(texts[0])
        return decode_json(texts[0]) if kind == "json" else texts


def _is_done(waiter):
    return waiter.done
