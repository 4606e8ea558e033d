"""The `answer` dictionary: setting `ready` to something truthy declares `str(content)` final, as it
is at that moment."""


class Captured:
    """The answer that the current cell declared, or None."""

    def __init__(self):
        self.text = None

    def take(self):
        text, self.text = self.text, None
        return text


class StrictAnswer(dict):
    """The reference's: only `answer["ready"] = ...` is seen."""

    def __init__(self, captured, values):
        dict.__init__(self, values)
        self._captured = captured

    def _declare(self):
        if dict.get(self, "ready"):
            try:
                self._captured.text = plain(dict.get(self, "content", ""))
            except Exception:
                # The reference looks away from a content that has no `str()`.
                pass

    def __setitem__(self, key, value):
        dict.__setitem__(self, key, value)
        if key == "ready":
            self._declare()

    def __reduce__(self):
        return dict, (dict(self),)


# The name that the reference's cells see.
StrictAnswer.__name__ = StrictAnswer.__qualname__ = "_AnswerDict"


class Answer(StrictAnswer):
    """Sees every way of setting a key."""

    def _declare(self):
        if dict.get(self, "ready"):
            self._captured.text = plain(dict.get(self, "content", ""))

    def update(self, *mappings, **values):
        new = dict(*mappings, **values)
        dict.update(self, new)
        if "ready" in new:
            self._declare()

    def setdefault(self, key, default=None):
        missing = key not in self
        value = dict.setdefault(self, key, default)
        if missing and key == "ready":
            self._declare()
        return value

    def __ior__(self, other):
        self.update(other)
        return self


def plain(value):
    """`str(value)` as an exact str that the runner may keep."""
    return str.__str__(str(value))


def rebound(current, kind, captured):
    """The dictionary to go on with after a cell: what the cell bound to the name `answer`, wrapped.
    A plain dict that is ready is an answer; anything but a dict is replaced by a fresh one."""
    if type(current) is kind:
        return current
    if not isinstance(current, dict):
        return kind(captured, {"content": "", "ready": False})
    wrapped = kind(captured, {"content": "", "ready": False, **current})
    # In the reference, what the cell declared before it bound the name anew goes first.
    if kind is not StrictAnswer or captured.text is None:
        wrapped._declare()
    return wrapped
