"""The few calls of libc that the runner makes, through the C module behind `ctypes`: loading `ctypes` itself,
and modules for single calls, took a tenth of the start of a session. Pointers are bytes, None or numbers."""
import sys

import _ctypes
from _struct import Struct

_PROT_READ_WRITE, _MAP_SHARED, _MAP_PRIVATE, _MAP_ANONYMOUS = 1 | 2, 1, 2, 0x20
_limit = Struct("=QQ")
INFINITY = (1 << 64) - 1


class Long(_ctypes._SimpleCData):
    _type_ = "l"


class _Character(_ctypes._SimpleCData):
    _type_ = "c"


class _Address(_ctypes._SimpleCData):
    _type_ = "P"


class _Function(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = Long


class _AddressFunction(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = _Address


class _Library:
    _handle = _ctypes.dlopen(None, 0)


def call(name, *arguments):
    """What the function gives. Without a prototype, numbers are passed as C ints: `Long` for others."""
    return _Function((name, _Library))(*arguments)


def error(what):
    return OSError(_ctypes.get_errno(), what)


def characters(size):
    """The type of an array of so many bytes."""
    return type("Characters", (_ctypes.Array,), {"_type_": _Character, "_length_": size})


def address_of(array):
    return _ctypes.addressof(array)


def read_limit(number):
    """(soft, hard) of this process."""
    limit = bytearray(_limit.size)
    if call("getrlimit", number, characters(_limit.size).from_buffer(limit)):
        raise error("getrlimit")
    return _limit.unpack(limit)


def set_limit(number, value):
    if call("setrlimit", number, _limit.pack(value, value)):
        raise error("setrlimit")


def map_memory(size, descriptor=None):
    """A writable view of a file, or of memory of its own; the standard library's `mmap` keeps a descriptor open."""
    flags = _MAP_PRIVATE | _MAP_ANONYMOUS if descriptor is None else _MAP_SHARED
    place = -1 if descriptor is None else descriptor
    allocate = _AddressFunction(("mmap", _Library))
    address = allocate(None, Long(size), _PROT_READ_WRITE, flags, place, Long(0))
    if address in (None, _Address(-1).value):
        raise error("mmap")
    return memoryview(characters(size).from_address(address)).cast("B")


class Reserve:
    """Address space that nothing uses, until it is given back."""

    def __init__(self, size):
        self.size = size
        if sys.platform == "linux":
            self.address = address_of(map_memory(size).obj)
        else:
            import mmap

            self.memory = mmap.mmap(-1, size)

    def close(self):
        if sys.platform == "linux":
            call("munmap", _Address(self.address), Long(self.size))
        else:
            self.memory.close()
