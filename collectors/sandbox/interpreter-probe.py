"""Run once by the candidate interpreter: prints, as JSON, what it is and which files it needs."""
import glob
import importlib
import json
import os
import struct
import sys
import sysconfig


def loader(path):
    """The dynamic loader that the kernel starts for an ELF program, or None."""
    with open(path, "rb") as file:
        head = file.read(64)
        if head[:4] != b"\x7fELF" or head[4] != 2:
            return None
        start, entry_size, count = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
        for index in range(count):
            file.seek(start + index * entry_size)
            kind, _flags, offset, _virtual, _physical, size = struct.unpack("<IIQQQQ", file.read(40))
            if kind == 3:
                file.seek(offset)
                return file.read(size).rstrip(b"\0").decode()
    return None


def mapped():
    found = set()
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            path = line.rstrip("\n").split(maxsplit=5)[5:]
            if path and path[0].startswith("/") and ".so" in os.path.basename(path[0]):
                found.add(path[0])
    return found


def main():
    failed = []
    for name in "ctypes re traceback resource mmap hashlib bz2 lzma zlib sqlite3 ssl uuid decimal".split():
        try:
            importlib.import_module(name)
        except ImportError:
            failed.append(name)
    for name in ["pyexpat", "_zstd", "unicodedata", "_asyncio"]:
        try:
            importlib.import_module(name)
        except ImportError:
            pass
    if "ctypes" not in failed:
        try:
            # Opened by libc when a thread is ended.
            importlib.import_module("ctypes").CDLL("libgcc_s.so.1")
        except OSError:
            pass
    executable = os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable)
    standard = sorted({os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")})
    libraries, first = [], loader(executable)
    inside = tuple(directory + os.sep for directory in standard)
    for path in sorted(mapped()):
        real = os.path.realpath(path)
        if real.startswith(inside):
            continue
        names = {real}
        if first is not None and os.path.realpath(first) == real:
            names.add(first)
        for alias in glob.glob(os.path.join(glob.escape(os.path.dirname(real)), "*.so*")):
            if os.path.islink(alias) and os.path.realpath(alias) == real:
                names.add(alias)
        libraries.append({"path": real, "names": sorted(names)})
    print(
        json.dumps(
            {
                "implementation": sys.implementation.name,
                "version": list(sys.version_info[:3]),
                "executable": executable,
                "prefix": os.path.realpath(sys.base_prefix),
                "standard": standard,
                "libraries": libraries,
                "missing": failed,
            }
        )
    )


main()
