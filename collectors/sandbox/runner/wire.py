"""Frames over one socket, both ways, from any thread.

u32be header bytes | u32be blob bytes | header (JSON) | blob. Texts travel in the blob: the header's
`texts` lists their sizes in bytes, positive for UTF-8, negative for UTF-16-LE, which carries the lone
surrogates that UTF-8 cannot. The functions used here are bound once, at start, and the json package
is a private copy, so a cell that replaces `os.write` or `json.dumps` breaks only itself.
"""
import _queue
import _thread
import io
import json
import os
import sys
from struct import Struct

for _name in [name for name in sys.modules if name == "json" or name.startswith("json.")]:
    del sys.modules[_name]

encode_json = json.JSONEncoder(separators=(",", ":"), check_circular=True).encode
decode_json = json.JSONDecoder().decode
_sizes = Struct(">II")
_pack, _unpack = _sizes.pack, _sizes.unpack
_write, _exit, _identity = os.write, os._exit, _thread.get_ident
_lock = _thread.allocate_lock

CHANNEL = 3
LARGEST_PAYLOAD = 64 << 20
LARGEST_HEADER = 1 << 20
_DRAIN = 1 << 16


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


class Channel:
    def __init__(self, interrupts):
        self.interrupts = interrupts
        self.main = _identity()
        self.inbox = _queue.SimpleQueue()
        self.waiting = {}
        self.calls = 0
        self.writing = _lock()
        self.numbering = _lock()
        self.source = io.open(CHANNEL, "rb", buffering=1 << 16, closefd=False)

    def start(self):
        _thread.start_new_thread(self.read_frames, ())

    def send(self, header, texts=()):
        pieces = []
        if texts:
            header["texts"] = sizes = []
            for text in texts:
                size, data = encode_text(text)
                sizes.append(size)
                pieces.append(data)
        blob = b"".join(pieces)
        head = encode_json(header).encode("ascii")
        if len(head) > LARGEST_HEADER or len(blob) > LARGEST_PAYLOAD:
            raise ValueError(
                f"too much for one message to the host: {len(head) + len(blob):,} bytes; "
                f"at most {LARGEST_PAYLOAD:,}"
            )
        if len(blob) < _DRAIN:
            chunks = [_pack(len(head), len(blob)) + head + blob]
        else:
            chunks = [_pack(len(head), len(blob)) + head, blob]
        # An interrupt between the halves of a frame would corrupt the stream: it waits.
        mine = _identity() == self.main
        if mine:
            self.interrupts.held += 1
        try:
            with self.writing:
                for chunk in chunks:
                    view = memoryview(chunk)
                    while view:
                        view = view[_write(CHANNEL, view) :]
        finally:
            if mine:
                self.interrupts.held -= 1
        if mine:
            self.interrupts.raise_pending()

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
        with self.numbering:
            self.calls = number = self.calls + 1
        header = {"call": number, "function": function, "batched": batched}
        if model is not None:
            header["model"] = model
        if encoded:
            header["encoded"] = encoded
        answered = _lock()
        answered.acquire()
        entry = [answered, None, None]
        self.waiting[number] = entry
        try:
            self.send(header, texts)
            answered.acquire()
        finally:
            self.waiting.pop(number, None)
        return self.result(entry[1], entry[2])

    def result(self, header, blob):
        if blob is None:
            raise MemoryError("the host's answer does not fit into the memory of this REPL")
        texts, start = [], 0
        for size in header["texts"]:
            texts.append(decode_text(size, blob[start : start + abs(size)]))
            start += abs(size)
        kind = header["kind"]
        if kind == "error":
            raise RuntimeError(texts[0])
        if kind == "json":
            return decode_json(texts[0])
        return texts if kind == "texts" else texts[0]

    def receive(self):
        """The next frame; a blob that does not fit into memory is read past and is None."""
        source = self.source
        sizes = source.read(8)
        if len(sizes) < 8:
            _exit(0)
        head_size, blob_size = _unpack(sizes)
        header = decode_json(source.read(head_size).decode("utf-8"))
        if not blob_size:
            return header, b""
        try:
            blob = memoryview(bytearray(blob_size))
        except MemoryError:
            blob = None
        if blob is not None:
            if source.readinto(blob) < blob_size:
                _exit(0)
            return header, blob
        while blob_size:
            got = len(source.read(min(_DRAIN, blob_size)))
            if not got:
                _exit(0)
            blob_size -= got
        return header, None

    def read_frames(self):
        """The reader thread: hands answers to the callers that wait, orders to the main thread."""
        try:
            while True:
                header, blob = self.receive()
                number = header.get("answer")
                if number is None:
                    self.inbox.put((header, blob))
                    continue
                entry = self.waiting.pop(number, None)
                if entry is not None:
                    entry[1], entry[2] = header, blob
                    entry[0].release()
        except BaseException:
            _exit(71)
