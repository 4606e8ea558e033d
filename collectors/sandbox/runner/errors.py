"""Turns an exception of a cell into type, message and traceback: the model's own lines only."""
import errno
import os

_ERRNO_LIMITS = {errno.ENOMEM: "memory", errno.EMFILE: "open_files"}
_close, _duplicate = os.close, os.dup2
LONGEST = 8000
LONGEST_MESSAGE = 200_000
MOST_FRAMES = 20
# The cells' lines, as `linecache.cache` keeps them, and that module once something has imported it.
_lines, _linecache = {}, []


def give_lines(linecache):
    """Lets tracebacks, and the cell's own use of `traceback` and `inspect`, show the cell's lines."""
    _lines.update(linecache.cache)
    linecache.cache = _lines
    _linecache[:] = [linecache]


def remember_source(filename, source):
    # Tuples of texts are no work for the collector, however many they become.
    _lines[filename] = (len(source), None, tuple(source.splitlines(True)), filename)
    for linecache in _linecache:
        linecache.cache = _lines


def import_traceback(interrupts):
    """At the first exception that is shown: most of what it imports is what many sessions never need.
    The host, which interrupts again and again, would break it off where the machine is slow."""
    interrupts.held += 1
    try:
        import traceback
    except OSError:
        # A cell that has all files open leaves none for the import but this one, which nobody reads.
        _close(0)
        try:
            import traceback
        finally:
            _duplicate(1, 0)
    finally:
        interrupts.held -= 1
    return traceback


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


def describe(error, interrupts):
    """(message, traceback); runs `__str__` of the exception, which may be the cell's code."""
    message = shortened(str.__str__(str(error)), LONGEST_MESSAGE)
    try:
        described = import_traceback(interrupts).TracebackException(type(error), error, error.__traceback__)
        strip_runner(described, set())
        return message, shortened("".join(described.format()))
    except Exception:
        # Formatting imports modules and opens files, which a cell may have made impossible.
        return message, f"{type(error).__name__}: {message}\n"
