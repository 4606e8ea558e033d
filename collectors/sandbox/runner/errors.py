"""Turns an exception of a cell into type, message and traceback: the model's own lines only."""
import errno
import linecache
import traceback

_cache, _Described = linecache.cache, traceback.TracebackException
_ERRNO_LIMITS = {errno.ENOMEM: "memory", errno.EMFILE: "open_files"}
LONGEST = 8000
LONGEST_MESSAGE = 200_000
MOST_FRAMES = 20


def remember_source(filename, source):
    """Lets tracebacks, and the cell's own use of `traceback` and `inspect`, show the cell's lines."""
    linecache.cache = _cache
    _cache[filename] = (len(source), None, source.splitlines(True), filename)


def shortened(text, longest=LONGEST):
    if len(text) <= longest:
        return text
    return text[: longest // 2] + "\n... (cut) ...\n" + text[-longest // 2 + 100 :]


def strip_runner(described, seen):
    """Drops the runner's frames, also from the exceptions that this one follows."""
    if described is None or id(described) in seen:
        return
    seen.add(id(described))
    frames = [frame for frame in described.stack if not frame.filename.startswith("<descent:")]
    described.stack[:] = frames[-MOST_FRAMES:]
    strip_runner(described.__cause__, seen)
    strip_runner(described.__context__, seen)
    for member in getattr(described, "exceptions", None) or ():
        strip_runner(member, seen)


def limit_of(error):
    """The limit of the system that an exception tells of, or None."""
    if issubclass(type(error), MemoryError):
        return "memory"
    if issubclass(type(error), OSError) and OSError.errno.__get__(error) in _ERRNO_LIMITS:
        return _ERRNO_LIMITS[OSError.errno.__get__(error)]
    return None


def describe(error):
    """(message, traceback); runs `__str__` of the exception, which may be the cell's code."""
    message = shortened(str.__str__(str(error)), LONGEST_MESSAGE)
    try:
        described = _Described(type(error), error, error.__traceback__)
        strip_runner(described, set())
        return message, shortened("".join(described.format()))
    except Exception:
        # Formatting imports modules and opens files, which a cell may have made impossible.
        return message, f"{type(error).__name__}: {message}\n"
