"""Given to Python as `-c` text: loads the runner from the first frame and starts it.

The runner travels over the socket, so the interpreter needs no path of the project. Nothing untrusted
has run when this file runs.
"""
import gc
import os
import sys

# Nothing of what is made until the first cell is garbage; the runner turns it on again.
gc.disable()
os.environ.clear()
os.environ.update(HOME="/tmp", LANG="C.UTF-8")
sys.path[:] = [entry for entry in sys.path if entry]
if "stdio" in sys.argv:
    # The host's stream came as stdin and stdout: out of the way of the cells.
    os.dup2(0, 3)
    os.dup2(1, 4)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def receive(size):
    data = b""
    while len(data) < size:
        chunk = os.read(3, size - len(data))
        if not chunk:
            os._exit(0)
        data += chunk
    return data


def received_modules():
    """(name, code) of each; compiled where the host's spawner runs on this very interpreter."""
    header_size, blob_size = (int.from_bytes(receive(4), "big") for _ in range(2))
    header, blob = receive(header_size), receive(blob_size)
    if b'"compiled":true' in header:
        import marshal

        return marshal.loads(blob)
    parts = blob.decode("utf-8").split("\0")
    return [
        (name, compile(source, f"<descent:{name}>", "exec", dont_inherit=True))
        for name, source in zip(parts[0::2], parts[1::2])
    ]


# What a cell does to the module of builtins does not reach the runner's own code.
own_builtins = dict(vars(sys.modules["builtins"]))
package = sys.modules["runner"] = type(sys)("runner")
package.__path__ = []
for name, code in received_modules():
    module = sys.modules["runner." + name] = type(sys)("runner." + name)
    module.__builtins__ = own_builtins
    exec(code, module.__dict__)
if "before_main" in globals():
    before_main()
sys.modules["runner.main"].main()
