"""Starts interpreters for the host, which is large: to fork it stops it for as long as it takes to copy its
page tables. This process is small and does nothing else. It runs as the host's own user, before and
outside of any isolation, and reads nothing that a cell has written but stderr, of which it keeps the end.

    spawner.py SOCKET

Over stdin and stdout, one JSON object a line. First the host sends {"modules": [[name, source], ...]}
and is told {"code": base64 of marshal} (the modules, compiled); later it is told
{"id": of the request, "code": exit code or null, "signal": number or null, "errors": end of stderr}.
Whoever connects to SOCKET sends one request (u32be size | JSON, see spawner.ts) and is answered in the same
form with {"process": id, "interpreter": id} or {"error": text, "context": whether a context is to blame}. From then on the connection is the
interpreter's descriptor 3. When the host ends, so does this, and with it all that it has started.
"""
import base64
import errno
import fcntl
import json
import marshal
import os
import re
import select
import signal
import socket
import stat
import struct
import sys

import _signal

KEPT_BYTES, MOST_BYTES = 2000, 1 << 20
SIZE = struct.Struct(">I")
FIRST_FILE = 4
# Plain numbers: what `signal` and text files do takes longer in a fork than all else together.
UNHANDLED = [int(number) for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD)]
poll = select.poll()
handlers = {}
children = {}


class Child:
    def __init__(self, identity, process, connection, errors, status):
        self.identity, self.process = identity, process
        self.connection = connection
        self.errors, self.status = errors, status
        self.tail, self.bytes = b"", 0
        self.told = b""
        watch(errors, self.on_errors)
        if status is None:
            self.answer(process)
        else:
            watch(status, self.on_status)

    def on_errors(self):
        data = read(self.errors)
        self.bytes += len(data)
        self.tail = (self.tail + data)[-KEPT_BYTES:]
        if not data or self.bytes > MOST_BYTES:
            self.errors = forget(self.errors)

    def on_status(self):
        """bubblewrap writes JSON objects; the first has the interpreter's process id."""
        data = read(self.status)
        self.told = (self.told + data)[:4096]
        found = re.search(rb'"child-pid": *(\d+)', self.told)
        if found:
            self.answer(int(found[1]))
        if not data:
            self.status = forget(self.status)
            self.answer(None)

    def answer(self, interpreter):
        if self.connection is not None:
            answer(self.connection, {"process": self.process, "interpreter": interpreter})
            self.connection = None

    def end(self, code):
        while self.errors is not None and poll_one(self.errors):
            self.on_errors()
        self.errors = forget(self.errors)
        self.status = forget(self.status)
        self.answer(None)
        died = os.WIFSIGNALED(code)
        say(
            id=self.identity,
            code=None if died else os.WEXITSTATUS(code),
            signal=os.WTERMSIG(code) if died else None,
            errors=self.tail.decode("utf-8", "replace"),
        )


def watch(descriptor, handler):
    handlers[descriptor] = handler
    poll.register(descriptor, select.POLLIN)


def forget(descriptor):
    if descriptor is not None:
        poll.unregister(descriptor)
        del handlers[descriptor]
        os.close(descriptor)


def poll_one(descriptor):
    return bool(select.select([descriptor], [], [], 0)[0])


def read(descriptor):
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:
        return b""


def say(**message):
    data = json.dumps(message).encode() + b"\n"
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError:
        # The host has gone; stdin tells of it.
        pass


def answer(connection, message):
    data = json.dumps(message).encode()
    try:
        connection.sendall(SIZE.pack(len(data)) + data)
    except OSError:
        pass
    connection.close()


def receive(connection, size):
    data = b""
    while len(data) < size:
        chunk = connection.recv(size - len(data))
        if not chunk:
            raise OSError("the host has closed the connection")
        data += chunk
    return data


def serve(listener):
    connection, _ = listener.accept()
    request, opened = None, []
    try:
        connection.setblocking(True)
        request = json.loads(receive(connection, SIZE.unpack(receive(connection, SIZE.size))[0]))
        start(request, connection, opened)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        files = request["files"] if request else []
        said = {"error": (error.strerror or str(error)) + where, "context": error.filename in files}
        answer(connection, said)
    finally:
        for descriptor in opened:
            os.close(descriptor)


def start(request, connection, opened):
    """Forks; `opened` collects what is to be closed here afterwards."""
    table = {3: connection.fileno()}
    nowhere = os.open(os.devnull, os.O_RDWR)
    opened.append(nowhere)
    table[0] = table[1] = nowhere
    # Not blocking: a named pipe would wait here for a writer.
    for number, path in enumerate(request["files"], FIRST_FILE):
        table[number] = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        opened.append(table[number])
        if not stat.S_ISREG(os.fstat(table[number]).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
    if request["snapshot"]:
        table[FIRST_FILE + len(request["files"])] = snapshot = os.open(request["snapshot"], os.O_RDWR)
        opened.append(snapshot)
    for each in request["inputs"]:
        source, target = os.pipe()
        opened.append(source)
        os.write(target, base64.b64decode(each["data"]))
        os.close(target)
        table[each["descriptor"]] = source
    errors, table[2] = os.pipe()
    opened.append(table[2])
    status = None
    if request["statusDescriptor"] is not None:
        status, target = os.pipe()
        opened.append(target)
        table[request["statusDescriptor"]] = target
    process = os.fork()
    if process == 0:
        become(request, table)
    children[process] = Child(request["id"], process, connection, errors, status)


def become(request, table):
    try:
        os.setsid()
        os.chdir("/")
        _signal.set_wakeup_fd(-1)
        for number in UNHANDLED:
            _signal.signal(number, _signal.SIG_DFL)
        # Out of the way of the numbers that they are to have.
        above = max(table) + 1
        moved = {number: fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, above) for number, descriptor in table.items()}
        for number, descriptor in moved.items():
            os.dup2(descriptor, number)
        if sys.platform == "linux":
            # When the machine runs out of memory, interpreters go first.
            score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
            os.write(score, b"1000")
            os.close(score)
        if request["uid"] is not None:
            os.setgroups([])
            os.setgid(request["uid"])
            os.setuid(request["uid"])
        os.execve(request["command"], [request["command"], *request["arguments"]], request["environment"])
    except BaseException as error:
        os.write(2, f"{request['command']} could not be started: {error}".encode("utf-8", "replace"))
    finally:
        os._exit(127)


def reap():
    while children:
        process, code = os.waitpid(-1, os.WNOHANG)
        if process == 0:
            return
        child = children.pop(process, None)
        if child is not None:
            child.end(code)


def on_host():
    # Nothing is said here after the first line: this is the host's end.
    if not read(0):
        for process in children:
            os.kill(process, signal.SIGKILL)
        os.unlink(sys.argv[1])
        os.rmdir(os.path.dirname(sys.argv[1]))
        os._exit(0)


def main(path):
    modules = json.loads(sys.stdin.buffer.readline())["modules"]
    compiled = [
        (name, compile(source, f"<descent:{name}>", "exec", dont_inherit=True)) for name, source in modules
    ]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1024)
    woken, waking = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(waking, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
    watch(0, on_host)
    watch(listener.fileno(), lambda: serve(listener))
    watch(woken, lambda: read(woken))
    say(code=base64.b64encode(marshal.dumps(compiled)).decode())
    while True:
        for descriptor, _ in poll.poll():
            if descriptor in handlers:
                handlers[descriptor]()
        reap()


main(sys.argv[1])
