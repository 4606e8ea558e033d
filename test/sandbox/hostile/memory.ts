// Cells that eat memory, and those that write where they should not.
import type { HostileCell } from '../outcome.ts'
import { raw } from './parts.ts'

export const memory: HostileCell[] = [
  {
    name: 'nests a list without end',
    code: 'a = []\nfor i in range(10**6): a = [a]\nprint(repr(a))',
    error: 'RecursionError',
    stdout: '',
  },
  {
    name: 'nests a tuple and hashes it',
    code: 'a = ()\nfor i in range(10**5): a = (a,)\nhash(a)',
    stdout: '',
  },
  {
    name: 'recurses as deep as it can',
    code: 'import sys\nsys.setrecursionlimit(10**9)\ndef f(n): return f(n + 1)\nf(0)',
    death: /^(timeout|signal|memory): /,
    stdout: '',
    limits: { cellSeconds: 3, memoryBytes: 1 << 30 },
  },
  {
    name: 'recurses in C',
    code: 'import sys\nsys.setrecursionlimit(10**9)\nclass A:\n    def __repr__(self): return repr(self)\nrepr(A())',
    death: /^signal: Python died of SIGSEGV/,
    stdout: '',
    limits: { cellSeconds: 3 },
  },
  {
    name: 'unpacks a bomb',
    code: 'import zlib\nc = zlib.compressobj(1)\nbomb = b"".join(c.compress(bytes(10**6)) for i in range(400)) + c.flush()\nprint(len(bomb) < 10**7)\nzlib.decompress(bomb)',
    error: 'MemoryError',
    stdout: 'True\n',
    limits: { memoryBytes: 256 << 20 },
  },
  {
    name: 'unpacks a bomb of bz2',
    code: 'import bz2\nbomb = bz2.compress(bytes(10**7)) * 40\nbz2.decompress(bomb)',
    error: 'MemoryError',
    stdout: '',
    limits: { memoryBytes: 256 << 20 },
  },
  {
    name: 'formats a very wide number',
    code: 'f"{1:>{10**12}}"',
    error: 'MemoryError',
    stdout: '',
  },
  {
    name: 'makes a product',
    code: 'import itertools\nlist(itertools.product(range(10**12), range(10**12)))',
    error: 'MemoryError',
    stdout: '',
  },
  {
    name: 'makes a range a list',
    code: 'list(range(10**12))',
    error: 'MemoryError',
    stdout: '',
  },
  {
    name: 'repeats a tuple',
    code: '((0,) * 10**8) * 10**8',
    error: 'MemoryError',
    stdout: '',
  },
  {
    name: 'multiplies a str by itself',
    code: 's = "x" * 10**6\nwhile True: s += s',
    error: 'MemoryError',
    stdout: '',
  },
  {
    name: 'fills a set',
    code: 's = set()\ni = 0\nwhile True:\n    s.update(range(i, i + 10**6))\n    i += 10**6',
    error: 'MemoryError',
    stdout: '',
    limits: { memoryBytes: 200 << 20, cellSeconds: 20 },
  },
  {
    name: 'joins without end',
    code: 'import itertools\n"".join(itertools.repeat("x" * 10**6))',
    error: 'MemoryError',
    stdout: '',
    limits: { memoryBytes: 200 << 20, cellSeconds: 20 },
  },
  {
    name: 'maps a terabyte',
    code: 'import mmap\nmmap.mmap(-1, 1 << 40)',
    error: 'OSError',
    stdout: '',
  },
  {
    name: 'maps memory that can be executed',
    code: raw(
      "libc.mmap.restype = ctypes.c_void_p\np = libc.mmap(None, 4096, 7, 0x22, -1, 0)\nif os.uname().machine != 'x86_64': os.abort()\nctypes.memmove(p, b'\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3', 8)\nctypes.CFUNCTYPE(ctypes.c_long)(p)()",
    ),
    death: /^signal: Python died of SIGSYS/,
    stdout: '',
  },
  {
    name: 'allocates in C',
    code: raw(
      "libc.malloc.restype = ctypes.c_void_p\nlibc.malloc.argtypes = [ctypes.c_size_t]\nwhile libc.malloc(10 << 20): pass\nprint('full')",
    ),
    stdout: 'full\n',
  },
  {
    name: 'frees what is not its own',
    code: raw('libc.free(ctypes.c_void_p(8))'),
    death: /^signal: Python died of SIG(SEGV|ABRT)/,
    stdout: '',
  },
  {
    name: 'writes over its own code',
    code: raw('ctypes.memset(id(print), 0, 64)\nprint(1)'),
    death: /^signal: Python died of SIG(SEGV|ABRT)/,
    stdout: '',
  },
  {
    name: 'fills pipes',
    code: 'import os\nfor i in range(20):\n    r, w = os.pipe()\n    os.set_blocking(w, False)\n    try:\n        while True: os.write(w, bytes(65536))\n    except BlockingIOError: pass\nprint(1)',
    stdout: '1\n',
  },
  {
    name: 'enlarges a pipe',
    code: 'import fcntl, os\nr, w = os.pipe()\nfcntl.fcntl(w, 1031, 1 << 24)',
    error: 'PermissionError',
    stdout: '',
  },
  {
    name: 'makes shared memory',
    code: 'from multiprocessing import shared_memory\nshared_memory.SharedMemory(create=True, size=100)',
    error: { namespace: 'FileNotFoundError', landlock: 'PermissionError' },
    stdout: '',
  },
]
