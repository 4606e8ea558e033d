"""Run in Pyodide before boot.py: descriptor 3, which Python has not there, is two functions of the host,
and the parts of the standard library that need a system are empty."""
import _signal
import os
import sys
import types

from _descent_host import receive as _receive
from _descent_host import send as _send
from pyodide.ffi import to_js as _to_js


_own = os.read, os.readv, os.write


def _read(_descriptor, size):
    return _receive(size).to_bytes()


def _readv(_descriptor, buffers):
    data = _receive(len(buffers[0])).to_bytes()
    buffers[0][: len(data)] = data
    return len(data)


def _write(descriptor, data):
    if descriptor == 2:
        return _own[2](descriptor, data)
    _send(_to_js(bytes(data)))
    return len(data)


def before_main():
    """The runner has taken what it needs: descriptor 3 is the first file that a cell opens."""
    os.read, os.readv, os.write = _own


def _nothing(*_arguments):
    pass


os.read, os.readv, os.write = _read, _readv, _write
for _name in ("setitimer", "pthread_kill", "pthread_sigmask", "set_wakeup_fd"):
    if not hasattr(_signal, _name):
        setattr(_signal, _name, _nothing)
for _name in ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF", "SIG_SETMASK"):
    if not hasattr(_signal, _name):
        setattr(_signal, _name, 0)
sys.modules.setdefault("resource", types.ModuleType("resource"))
