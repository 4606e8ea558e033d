"""Run once: prints, as JSON, the directories to bind for the libraries asked for (names of packages, or
directories), and which shared libraries those load from elsewhere."""
import ctypes
import glob
import importlib
import json
import os
import sys


def shared_objects(directory):
    for at, _directories, files in os.walk(directory):
        for file in files:
            if file.endswith(".so") or ".so." in file:
                yield os.path.join(at, file)


def mapped():
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            path = line.rstrip("\n").split(maxsplit=5)[5:]
            if path and path[0].startswith("/") and ".so" in os.path.basename(path[0]):
                yield path[0]


directories, failed = [], []
for asked in sys.argv[1:]:
    if os.path.isabs(asked):
        directory = os.path.realpath(asked)
        if os.path.isdir(directory):
            directories.append(directory)
            sys.path.append(directory)
        else:
            failed.append(f"{asked} is not a directory")
        continue
    try:
        module = importlib.import_module(asked)
        places = list(getattr(module, "__path__", [])) or [module.__file__]
        directories.append(os.path.realpath(os.path.dirname(places[0])))
    except Exception as error:
        failed.append(f"{asked} cannot be imported ({type(error).__name__}: {error})")
for asked in sys.argv[1:]:
    if os.path.isabs(asked):
        for path in shared_objects(asked):
            try:
                ctypes.CDLL(path)
            except OSError:
                pass
inside = tuple(directory + os.sep for directory in directories)
libraries = []
for path in sorted(set(mapped())):
    real = os.path.realpath(path)
    if real.startswith(inside):
        continue
    names = {real, path}
    for alias in glob.glob(os.path.join(glob.escape(os.path.dirname(real)), "*.so*")):
        if os.path.islink(alias) and os.path.realpath(alias) == real:
            names.add(alias)
    libraries.append({"path": real, "names": sorted(names)})
print(json.dumps({"directories": list(dict.fromkeys(directories)), "libraries": libraries, "failed": failed}))
