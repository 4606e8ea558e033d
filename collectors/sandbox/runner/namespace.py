"""What a cell sees and what stays of it.

`Namespace`: one persistent dictionary, as in any Python session. `StrictNamespace`: the reference's
semantics. Each cell gets a new dictionary made of the scaffold and the kept names; names are copied
back only when it succeeds.
"""
import builtins
import io
import sys
from _operator import is_ as _is

from runner.answer import Answer, StrictAnswer, plain, rebound
from runner.errors import remember_source

_class_name = type.__dict__["__name__"].__get__
BASIC = (str, int, float, bool, list, dict, tuple)
MOST_VARIABLES, MOST_CHARACTERS = 10_000, 100_000

STRICT_BUILTINS = """
print len str int float list dict set tuple bool type isinstance issubclass enumerate zip map filter
sorted reversed range min max sum abs round any all pow divmod chr ord hex bin oct repr ascii format
hash id iter next slice callable hasattr getattr setattr delattr dir vars bytes bytearray memoryview
complex object super property staticmethod classmethod __import__ open
Exception BaseException ValueError TypeError KeyError IndexError AttributeError FileNotFoundError
OSError IOError RuntimeError NameError ImportError StopIteration AssertionError NotImplementedError
ArithmeticError LookupError Warning
""".split()


def put_back(changed, original):
    """Makes two dictionaries the same, without a write when they are: Python specializes code by what
    its builtins are, and forgets it at every write."""
    if len(changed) == len(original) and all(map(_is, changed.values(), original.values())):
        return
    changed.clear()
    changed.update(original)


def type_name(value):
    return _class_name(type(value))


class Namespace:
    def __init__(self, setup, functions, contexts, captured):
        self.setup = setup
        self.captured = captured
        self.functions = dict(functions)
        if setup["showVars"]:
            self.functions["SHOW_VARS"] = self.show_variables
        if setup["answer"] == "final":
            self.functions["FINAL_VAR"] = self.final_variable
        callables, data = make_tools(setup["tools"], {**functions, **contexts})
        self.functions.update(callables)
        growing = {"history": []} if setup["growingHistory"] else {}
        self.contexts = {**data, **growing, **contexts, **numbered("history", setup["histories"])}
        self.answer_kind = StrictAnswer if setup["strict"] else Answer
        self.builtins = {}
        self.offered, self.known = {}, 0
        self.prepare()

    def prepare(self):
        module = type(sys)("__main__")
        self.values = module.__dict__
        self.module = module
        self.restore()
        self.bind_scaffold()
        if self.setup["answer"] == "dict":
            self.values["answer"] = rebound(None, self.answer_kind, self.captured)
        self.values.update(self.contexts)

    def remember(self, entry):
        list.append(self.contexts["history"], entry)

    def offered_builtins(self):
        """Those of the interpreter; a cell can only have added some, the runner has put back the others."""
        if len(builtins.__dict__) != self.known:
            self.known = len(builtins.__dict__)
            self.offered = {**builtins.__dict__, **dict.fromkeys(self.setup["withoutBuiltins"])}
        return self.offered

    def restore(self):
        """What can be taken back as soon as a cell is over; its variables may still be asked for."""
        put_back(self.builtins, self.offered_builtins())

    def bind_scaffold(self):
        self.values["__builtins__"] = self.builtins
        self.values["__name__"] = "__main__"
        self.values.update(self.functions)

    def begin(self):
        """The dictionary in which the next cell runs, scaffold names restored."""
        sys.modules["__main__"] = self.module
        self.bind_scaffold()
        self.values.update(self.contexts)
        return self.values

    def forget_answer(self):
        """In place of an answer that raises when it is looked at."""
        if self.setup["answer"] == "dict":
            self.values["answer"] = rebound(None, self.answer_kind, self.captured)

    def drop_odd_names(self):
        kept = {name: value for name, value in self.values.items() if type(name) is str}
        self.values.clear()
        self.values.update(kept)

    def end(self, _values, _succeeded):
        """After a cell, also a failed one: an answer that was rebound counts, and is wrapped."""
        if self.setup["answer"] == "dict":
            self.values["answer"] = rebound(self.values.get("answer"), self.answer_kind, self.captured)

    def entries(self):
        """(name, value) of the variables, scaffold first, then in insertion order."""
        values = self.values
        first = (["answer"] if self.setup["answer"] == "dict" else []) + list(self.contexts)
        for name in first:
            if name in values:
                yield name, values[name]
        for name, value in list(values.items()):
            if type(name) is str and name[:1] != "_" and name not in first and name not in self.functions:
                yield name, value

    def variables(self):
        listed, characters = [], 0
        for name, value in self.entries():
            kind = type_name(value)[:200]
            characters += len(name) + len(kind)
            if len(listed) == MOST_VARIABLES or characters > MOST_CHARACTERS:
                break
            listed.append([name, kind, issubclass(type(value), BASIC)])
        return listed

    def text_of(self, wanted, key=None):
        """`str()` of a variable, or of what it holds under `key`; None when there is none. Runs code
        of the cell."""
        for name, value in self.entries():
            if name == wanted and key is None:
                return plain(value)
            if name == wanted and isinstance(value, dict) and dict.get(value, key) is not None:
                return plain(dict.get(value, key))
        return None

    def show_variables(self):
        shown = {name: type_name(value) for name, value in self.entries() if name != "answer"}
        if not shown:
            return "No variables created yet. Use ```repl``` blocks to create variables."
        return f"Available variables: {shown}"

    def final_variable(self, name):
        """The value of a variable, or of what is no name, as text; called by a cell, it is the answer."""
        if not isinstance(name, str):
            return self.declared(plain(name))
        name = name.strip().strip("\"'")
        entries = dict(self.entries())
        if name in entries:
            return self.declared(plain(entries[name]))
        # What the reference says, word for word: models learn from it what to do next.
        listed = f"Available variables: {list(entries)}." if entries else "No variables have been created yet."
        place = "" if entries else " in a REPL block"
        advice = f"You must create and assign a variable{place} BEFORE calling FINAL_VAR on it."
        return f"Error: Variable '{name}' not found. {listed} {advice}"

    def declared(self, text):
        self.captured.text = text
        return text


class StrictNamespace(Namespace):
    def prepare(self):
        self.values = {}
        self.globals = {}
        if self.setup["answer"] == "dict":
            self.values["answer"] = rebound(None, self.answer_kind, self.captured)
        # The reference loads contexts by cells of its own, whose names stay behind.
        for name, value in self.contexts.items():
            if name.startswith("context_") and not isinstance(value, str):
                import json

                self.values["json"] = json
            if name.startswith("context_"):
                self.values["f"] = closed_file()
            self.values[name] = value
        blocked = dict.fromkeys(self.setup["withoutBuiltins"])
        self.builtins = {**self.offered_builtins(), **blocked}
        sys.modules["__main__"] = type(sys)("__main__")

    def restore(self):
        """Every cell gets a dictionary of its own; the builtins in it are the reference's for all cells."""

    def offered_builtins(self):
        return {name: getattr(builtins, name) for name in STRICT_BUILTINS}

    def begin(self):
        self.globals = {"__builtins__": self.builtins, "__name__": "__main__"}
        self.globals.update(self.functions)
        return {**self.globals, **self.values}

    def end(self, values, succeeded):
        if not succeeded:
            return
        for name, value in values.items():
            if type(name) is str and name not in self.globals and name[:1] != "_":
                self.values[name] = value
        for name in ("context", "history"):
            if f"{name}_0" in self.values:
                self.values[name] = self.values[f"{name}_0"]
        if self.setup["growingHistory"]:
            self.values["history"] = self.contexts["history"]
        if self.setup["answer"] == "dict":
            self.values["answer"] = rebound(self.values.get("answer"), self.answer_kind, self.captured)

    def entries(self):
        return [(name, value) for name, value in self.values.items() if name not in self.functions]


def make_tools(tools, known):
    """(callables, data) by name. A Python source is run once, with `known` names in reach, and leaves
    its tool under the tool's own name."""
    callables, data = {}, {}
    for tool in tools:
        name = tool["name"]
        if "source" not in tool:
            data[name] = tool["value"]
            continue
        filename = f"<tool {name}>"
        remember_source(filename, tool["source"])
        space = {**known, "__name__": filename, "__builtins__": builtins.__dict__}
        exec(compile(tool["source"], filename, "exec", dont_inherit=True), space)
        if name not in space:
            raise NameError(f"the source of the tool {name} defines no {name}")
        (callables if callable(space[name]) else data)[name] = space[name]
    return callables, data


def numbered(name, values):
    """`name_0`, `name_1`, …, and `name`, which is the first."""
    named = {}
    for index, value in enumerate(values):
        named[f"{name}_{index}"] = value
        named.setdefault(name, value)
    return named


def closed_file():
    file = io.TextIOWrapper(io.BytesIO())
    file.close()
    return file
