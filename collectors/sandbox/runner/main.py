"""The runner: takes the setup, confines itself, loads the contexts, then runs cells until the
socket ends. One `done` for each `execute`, whatever the cell does."""
import _thread
import builtins
import gc
import os
import sys
from _operator import is_ as _is

from runner.answer import Captured, plain
from runner.arrivals import prepare_arrivals, seeding
from runner.confine import close_descriptors, confine
from runner.errors import describe, give_lines, limit_of, remember_source
from runner.interrupts import Interrupts
from runner.libc import Reserve
from runner.namespace import Namespace, StrictNamespace, type_name
from runner.output import NoInput, Output, refuse_input
from runner.snapshot import mirrors_of
from runner.wire import LARGEST_PAYLOAD, SOURCE, TARGET, Channel, decode_json, decode_text

_exit, _start_thread, _count_threads = os._exit, _thread.start_new_thread, _thread._count
_set_recursion, _set_interval = sys.setrecursionlimit, sys.setswitchinterval
_enable_collector, _collect, _write = gc.enable, gc.collect, os.write
_compile, _exec, _reserve = compile, exec, Reserve
_len, _all, _map, _live_builtins = len, all, map, builtins.__dict__
BALLAST = 8 << 20


def read_context(channel, context, strict):
    if context.get("inline"):
        data = read_inline(channel)
    else:
        with open(context["path"] if "path" in context else context["descriptor"], "rb") as file:
            data = file.read()
    text = str(data, "utf-8")
    del data
    if context["format"] == "json":
        return decode_json(text)
    # The reference reads its contexts in text mode.
    return text.replace("\r\n", "\n").replace("\r", "\n") if strict else text


def read_inline(channel):
    """A context that comes in frames, the last of which says so."""
    data = bytearray()
    while True:
        header, blob = channel.receive()
        if blob is None:
            raise MemoryError("the context does not fit into the memory of this REPL")
        data += blob
        if header["last"]:
            return data


def load_contexts(channel, contexts, strict):
    loaded = {}
    for index, context in enumerate(contexts):
        loaded[f"context_{index}"] = read_context(channel, context, strict)
        if index == 0:
            loaded["context"] = loaded["context_0"]
    return loaded


def host_functions(channel, names):
    def llm_query(prompt, model=None):
        return channel.call("llm_query", [prompt], model, False)

    def llm_query_batched(prompts, model=None):
        return channel.call("llm_query_batched", list(prompts), model, True)

    def rlm_query(prompt, model=None):
        return channel.call("rlm_query", [prompt], model, False)

    def rlm_query_batched(prompts, model=None):
        return channel.call("rlm_query_batched", list(prompts), model, True)

    offered = (llm_query, llm_query_batched, rlm_query, rlm_query_batched)
    for function in offered:
        function.__qualname__ = function.__name__
        function.__module__ = "__main__"
    return {function.__name__: function for function in offered if function.__name__ in names}


def limit_threads(most):
    """A plain refusal before the kernel's: RLIMIT_NPROC counts per user where nothing confines it.
    Returns a list that is not empty once a thread was refused."""
    refused = []

    def check():
        if _count_threads() >= most:
            refused.append(most)
            raise RuntimeError(f"can't start new thread: a session may have {most}")

    def start(function, *arguments, **options):
        check()
        return _start_thread(function, *arguments, **options)

    _thread.start_new_thread = _thread.start_new = start
    joinable = getattr(_thread, "start_joinable_thread", None)
    if joinable is not None:

        def start_joinable(function, *arguments, **options):
            check()
            return joinable(function, *arguments, **options)

        _thread.start_joinable_thread = start_joinable
    _thread.stack_size(2 << 20)
    return refused


class Runner:
    def __init__(self, channel, interrupts, setup, contexts, mirrors, thread_limit):
        self.channel = channel
        self.interrupts = interrupts
        self.strict = setup["strict"]
        self.output, self.errors = (
            Output(name, setup["outputCharacters"], mirror) for name, mirror in mirrors
        )
        self.thread_limit = thread_limit
        self.captured = Captured()
        interrupts.message = setup["interruptMessage"]
        builtins.input = refuse_input
        self.builtins = dict(builtins.__dict__)
        self.recursion = sys.getrecursionlimit()
        kind = StrictNamespace if self.strict else Namespace
        functions = host_functions(channel, setup["functions"])
        self.namespace = kind(setup, functions, contexts, self.captured)
        self.cells = 0
        self.reached = set()
        self.ballast = None
        self.restore()

    def restore(self):
        """Takes back what a cell may have changed in the interpreter."""
        sys.stdout = sys.__stdout__ = self.output
        sys.stderr = sys.__stderr__ = self.errors
        sys.stdin = sys.__stdin__ = NoInput()
        self.restore_builtins()
        _, failure = self.interrupts.guarded(self.namespace.restore)
        if failure is not None:
            self.namespace.restore()
        self.interrupts.restore()
        _set_recursion(self.recursion)
        _set_interval(0.005)
        _enable_collector()
        if self.ballast is None:
            try:
                # Address space for the runner's own work after a cell that used all of it.
                self.ballast = _reserve(BALLAST)
            except (OSError, MemoryError):
                pass

    def restore_builtins(self):
        live, original = _live_builtins, self.builtins
        if _len(live) < _len(original) or not _all(_map(_is, live.values(), original.values())):
            live.update(original)

    def release_ballast(self):
        if self.ballast is not None:
            self.ballast.close()
            self.ballast = None

    def execute(self, identity, source):
        self.cells += 1
        self.reached = set()
        filename = "<string>" if self.strict else f"<cell {self.cells}>"
        self.captured.take()
        values, failure = self.interrupts.guarded(self.namespace.begin)
        if failure is not None:
            # Keys that are no plain str run code of a cell when they are compared.
            self.namespace.drop_odd_names()
            values = self.namespace.begin()
        failure = None
        remember_source(filename, source)
        _, error = self.interrupts.guarded(self.run_source, source, filename, values)
        failed = error is not None
        if failed:
            self.release_ballast()
        description = self.described(error)
        error = None
        _, late = self.interrupts.guarded(self.namespace.end, values, not failed)
        if late is not None:
            self.namespace.forget_answer()
            description = description or self.described(late)
        late = None
        self.send_done(identity, description)

    def run_source(self, source, filename, values):
        _exec(_compile(source, filename, "exec", dont_inherit=True), values)

    def described(self, error):
        if error is None:
            return None
        # What describes it is of the standard library.
        self.restore_builtins()
        self.reached.add(limit_of(error))
        name = type_name(error)
        texts, failure = self.interrupts.guarded(describe, error, self.interrupts)
        if failure is not None or texts is None:
            return [name, "(the exception could not be shown)", name]
        return [name, *texts]

    def send_done(self, identity, description):
        output, output_total = self.output.take()
        errors, errors_total = self.errors.take()
        texts = [output, errors]
        header = {"done": identity, "counts": [output_total, errors_total], "limits": self.take_limits()}
        final = self.captured.take()
        if final is not None and len(final) > LARGEST_PAYLOAD // 8:
            text = f"the answer has {len(final):,} characters; at most {LARGEST_PAYLOAD // 8:,} are possible"
            description, final = ["ValueError", text, "ValueError: " + text], None
        header["error"] = description is not None
        header["final"] = final is not None
        header["variables"] = self.namespace.variables()
        self.channel.send(header, texts + (description or []) + ([final] if final is not None else []))

    def take_limits(self):
        """Which of the limits that only the interpreter sees the cell has reached."""
        if self.thread_limit:
            self.reached.add("threads")
            self.thread_limit.clear()
        if self.channel.sent_too_much:
            self.reached.add("frame_size")
            self.channel.sent_too_much = False
        self.reached.discard(None)
        return sorted(self.reached)

    def next_order(self):
        """Repairs first what the last cell has changed: the host, which has its result, goes on meanwhile."""
        while True:
            try:
                self.restore()
                return self.channel.next_order()
            except MemoryError:
                self.release_ballast()
                _collect()

    def tell_variable(self, identity, name, key):
        text, error = self.interrupts.guarded(self.namespace.text_of, name, key)
        if error is not None or (text is not None and len(text) > LARGEST_PAYLOAD // 8):
            text = None
        self.channel.send({"variable": identity, "found": text is not None}, [text] if text is not None else [])

    def serve(self):
        while True:
            header, blob = self.next_order()
            try:
                if blob is None:
                    raise MemoryError("the cell's source does not fit into memory")
                if header["order"] == "remember":
                    self.namespace.remember(decode_json(decode_text(header["texts"][0], blob)))
                elif header["order"] == "execute":
                    self.execute(header["id"], decode_text(header["texts"][0], blob))
                else:
                    self.tell_variable(header["id"], header["name"], header.get("key"))
            except MemoryError:
                self.release_ballast()
                _collect()
                if "id" not in header:
                    continue
                text = "the REPL has no memory left"
                self.send_done(header["id"], ["MemoryError", text, "MemoryError: " + text])


def main():
    interrupts = Interrupts()
    channel = Channel(interrupts)
    channel.send({"up": True})
    try:
        header, blob = channel.receive()
        contexts = header["contexts"]
        mirrors = mirrors_of(channel, header["setup"])
        sys.path.extend(header["setup"]["packages"])
        close_descriptors([TARGET, *(context["descriptor"] for context in contexts if "descriptor" in context)])
        confine(header["plan"], bytes(blob))
        prepare_arrivals({"random": seeding(header["setup"]["seed"]), "linecache": give_lines})
        loaded = load_contexts(channel, contexts, header["setup"]["strict"])
        thread_limit = limit_threads(header["setup"]["threads"])
        for name in [name for name in sys.modules if name.startswith("runner")]:
            del sys.modules[name]
        runner = Runner(channel, interrupts, header["setup"], loaded, mirrors, thread_limit)
        if TARGET != SOURCE:
            channel.start_reader()
    except Exception as error:
        channel.send({"failed": type(error).__name__}, [plain(error)])
        _exit(70)
    channel.send({"ready": True, "variables": runner.namespace.variables()})
    try:
        runner.serve()
    except BaseException as error:
        _write(2, f"runner: {type(error).__name__}: {error}".encode("utf-8", "replace")[:1000])
        _exit(72)
