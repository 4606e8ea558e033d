// Cells that try to break out, to break down or to break the host, and what must come of each. After
// each of them the session answers again.
import { files } from './hostile/files.ts'
import { frames } from './hostile/frames.ts'
import { memory } from './hostile/memory.ts'
import { names } from './hostile/names.ts'
import { network } from './hostile/network.ts'
import { processes } from './hostile/processes.ts'
import { runner } from './hostile/runner.ts'
import { time } from './hostile/time.ts'
import { raw, short } from './hostile/parts.ts'
import type { HostileCell } from './outcome.ts'

const refused = 'PermissionError'
export const hostileCells: HostileCell[] = [
  // Files and secrets
  {
    name: 'reads /etc/passwd',
    code: "open('/etc/passwd')",
    error: { namespace: 'FileNotFoundError', landlock: 'PermissionError' },
  },
  {
    name: 'lists the root',
    code: "import os\nprint(sorted(os.listdir('/home')))",
    error: { namespace: 'FileNotFoundError', landlock: 'PermissionError' },
  },
  {
    name: 'reads an environment',
    code: "open('/proc/self/environ')",
    error: { namespace: 'FileNotFoundError', landlock: 'PermissionError' },
  },
  {
    name: 'has an empty environment',
    code: 'import os\nprint(sorted(os.environ))',
    stdout: "['HOME', 'LANG']\n",
  },
  { name: 'writes a file', code: "open('/tmp/x', 'w')", error: /^(OSError|PermissionError)$/ },
  { name: 'makes a directory', code: "import os\nos.mkdir('/tmp/x')", error: refused },
  {
    name: 'makes a temporary file',
    code: 'import tempfile\ntempfile.TemporaryFile()',
    error: /^(FileNotFoundError|PermissionError|OSError)$/,
  },
  { name: 'changes the standard library', code: 'import os\nos.chmod(os.__file__, 0o777)', error: refused },
  {
    name: 'truncates the standard library',
    code: 'import os\nos.open(os.__file__, os.O_RDONLY | os.O_TRUNC)',
    error: refused,
  },
  { name: 'writes to /dev/null', code: "print(open('/dev/null', 'w').write('x'))", stdout: '1\n' },
  {
    name: 'looks for open descriptors',
    code: `
import os
found = []
for fd in range(64):
    try:
        os.fstat(fd)
        found.append(fd)
    except OSError:
        pass
print(found)`,
    stdout: '[0, 1, 2, 3]\n',
  },
  // Network
  { name: 'opens a socket', code: 'import socket\nsocket.socket()', error: refused },
  {
    name: 'fetches a page',
    code: "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:1/')",
    error: 'URLError',
  },
  { name: 'opens a Unix socket', code: 'import socket\nsocket.socket(socket.AF_UNIX)', error: refused },
  { name: 'opens a netlink socket', code: 'import socket\nsocket.socket(16, 3, 0)', error: refused },
  {
    name: 'passes a descriptor to the host',
    code: "import socket\na, b = socket.socketpair()\na.sendmsg([b'x'], [])",
    error: refused,
  },
  {
    name: 'runs asyncio, which is harmless',
    code: 'import asyncio\nasync def f():\n    await asyncio.sleep(0.01)\n    return 7\nprint(asyncio.run(f()))\nimport socket\na, b = socket.socketpair()\na.send(b"x")\nprint(b.recv(1))',
    stdout: "7\nb'x'\n",
  },
  // Processes and signals
  { name: 'starts a program', code: "import os\nprint(os.system('id') != 0)", stdout: 'True\n' },
  {
    name: 'starts a subprocess',
    code: "import subprocess\nsubprocess.run(['/usr/bin/id'])",
    error: /^(PermissionError|BlockingIOError|OSError|FileNotFoundError)$/,
  },
  { name: 'forks', code: 'import os\nos.fork()', error: refused },
  { name: 'forks for ever', code: 'import os\nwhile True: os.fork()', error: refused },
  { name: 'replaces itself', code: "import os, sys\nos.execv(sys.executable, ['python'])", error: refused },
  {
    name: 'kills everybody',
    code: 'import os\nfor pid in (0, -1, 1, 2, os.getppid(), os.getpid()):\n    try:\n        os.kill(pid, 9)\n        print(pid)\n    except OSError as error:\n        assert error.errno in (1, 3), error',
    stdout: '',
  },
  {
    name: 'has the kernel send a signal',
    code: 'import fcntl, os\nr, w = os.pipe()\nfcntl.fcntl(r, 8, os.getppid() or 1)',
    error: refused,
  },
  { name: 'outlives its host', code: raw('print(libc.prctl(1, 0, 0, 0, 0))'), stdout: '-1\n' },
  {
    name: 'calls what containers forbid',
    code: raw(`
numbers = {'x86_64': [272, 165, 166, 161, 308, 101, 321, 298, 250, 323, 425, 310, 311, 434, 319, 29, 155, 246, 175, 304, 447],
           'aarch64': [97, 40, 39, 51, 268, 117, 280, 241, 219, 282, 425, 270, 271, 434, 279, 194, 41, 104, 105, 265, 447]}[os.uname().machine]
for number in numbers:
    ctypes.set_errno(0)
    if libc.syscall(number, 0, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() not in (1, 38):
        print(number, ctypes.get_errno())`),
    stdout: '',
  },
  {
    name: 'calls through the x32 table',
    code: raw("if os.uname().machine == 'x86_64': libc.syscall(0x40000000 + 39)\nelse: os.abort()"),
    death: /signal: Python died of SIG(SYS|ABRT)/,
  },
  {
    name: 'types into the terminal',
    code: "import fcntl\nfor fd in range(4):\n    try:\n        fcntl.ioctl(fd, 0x5412, b'x')\n        print(fd)\n    except OSError:\n        pass",
    stdout: '',
  },
  {
    name: 'raises its limits',
    code: 'import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40))',
    error: /^(ValueError|PermissionError)$/,
  },
  { name: 'ends itself', code: 'import os\nos._exit(5)', death: /^exit: Python ended with exit code 5$/ },
  { name: 'crashes', code: 'import ctypes\nctypes.string_at(0)', death: /^signal: Python died of SIGSEGV/ },
  { name: 'aborts', code: 'import os\nos.abort()', death: /^signal: Python died of SIG(ABRT|SEGV)/ },
  { name: 'exits politely', code: 'raise SystemExit(3)', error: 'SystemExit', message: /^3$/ },
  // Time
  { name: 'loops', code: 'while True: pass', error: 'KeyboardInterrupt', message: /0\.3 s/, limits: short },
  { name: 'sleeps', code: 'import time\ntime.sleep(10**6)', error: 'KeyboardInterrupt', limits: short },
  {
    name: 'waits for itself',
    code: 'import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()',
    error: 'KeyboardInterrupt',
    limits: short,
  },
  {
    name: 'matches for ever',
    code: "import re\nre.match(r'(a+)+$', 'a' * 60 + 'b')",
    error: 'KeyboardInterrupt',
    limits: short,
  },
  { name: 'computes a power', code: 'pow(7, 10**9)', error: 'KeyboardInterrupt', limits: short },
  {
    name: 'swallows every exception',
    code: 'import time\ndef spin():\n    while True: time.sleep(0.01)\nwhile True:\n    try: spin()\n    except BaseException: pass',
    death: /^timeout: /,
    limits: short,
  },
  {
    name: 'ignores the interrupt',
    code: 'import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass',
    death: /^timeout: /,
    limits: short,
  },
  { name: 'loops where no signal is seen', code: 'sum(range(10**13))', death: /^timeout: /, limits: short },
  {
    name: 'loops in its own __str__',
    code: 'class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E()',
    error: 'E',
    limits: short,
  },
  // Memory
  { name: 'eats memory', code: 'a = []\nwhile True: a.append(bytearray(50 << 20))', error: 'MemoryError' },
  { name: 'asks for a terabyte', code: "'a' * 10**12", error: 'MemoryError' },
  {
    name: 'maps memory',
    code: 'import mmap\na = []\nwhile True: a.append(mmap.mmap(-1, 50 << 20))',
    error: /^(OSError|MemoryError)$/,
  },
  {
    name: 'grows a text',
    code: "s = 'ab'\nwhile True: s = s.replace('a', 'aa' * 1000)",
    error: 'MemoryError',
  },
  { name: 'makes an anonymous file', code: "import os\nos.memfd_create('x')", error: refused },
  {
    name: 'opens pipes for ever',
    code: 'import os\na = []\nwhile True: a.append(os.pipe())',
    error: 'OSError',
    message: /Too many open files/,
  },
  {
    name: 'starts threads for ever',
    code: 'import threading, time\ndef f(): time.sleep(60)\nwhile True: threading.Thread(target=f, daemon=True).start()',
    error: 'RuntimeError',
    message: /new thread/,
  },
  { name: 'recurses', code: 'def f(): return f()\nf()', error: 'RecursionError' },
  {
    name: 'nests brackets',
    code: "compile('(' * 10**5, 'x', 'exec')",
    error: /^(SyntaxError|MemoryError|RecursionError)$/,
  },
  // Output
  {
    name: 'prints for ever',
    code: "while True: print('x' * 10**6)",
    error: 'KeyboardInterrupt',
    stdout: /^x{1000}$/,
    limits: { cellSeconds: 0.3, outputCharacters: 1000 },
  },
  {
    name: 'writes past Python',
    code: "import os\nfor _ in range(100): os.write(1, b'x' * 10**6)\nprint('through')",
    stdout: 'through\n',
  },
  {
    name: 'floods the raw stderr',
    code: "import os\ntry:\n    for _ in range(100): os.write(2, b'x' * 10**6)\nexcept BrokenPipeError: pass\nprint('on')",
    stdout: 'on\n',
  },
  {
    name: 'raises a giant message',
    code: "raise ValueError('x' * 10**7)",
    error: 'ValueError',
    message: /^x{1000,8000}/,
  },
  {
    name: 'raises what cannot be shown',
    code: 'class E(Exception):\n    def __str__(self): raise KeyError(1)\nraise E()',
    error: 'E',
    message: /could not be shown/,
  },
  {
    name: 'answers too much',
    code: "answer['content'] = 'x' * (10 << 20)\nanswer['ready'] = True",
    error: 'ValueError',
    message: /characters/,
  },
  { name: 'asks for input', code: 'input()', error: 'EOFError', message: /not available/ },
  { name: 'reads stdin', code: 'import sys\nsys.stdin.read()', error: 'EOFError' },
  // The runner and the channel
  {
    name: 'replaces builtins',
    code: 'import builtins\nbuiltins.len = builtins.print = builtins.str = None\nllm_query = None',
    stdout: '',
  },
  {
    name: 'replaces modules',
    code: 'import json, os, traceback, linecache, signal\njson.dumps = json.loads = os.write = os.readv = os.read = None\ntraceback.TracebackException = linecache.cache = signal.signal = None',
    stdout: '',
  },
  {
    name: 'replaces the standard streams',
    code: 'import sys\nsys.stdout = sys.stderr = sys.stdin = None',
    stdout: '',
  },
  {
    name: 'leaves a trace function',
    code: 'import sys\ndef trace(*a): raise ValueError\nsys.settrace(trace)\nsys.setrecursionlimit(60)',
    stdout: '',
  },
  { name: 'leaves an alarm', code: 'import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.05)', stdout: '' },
  {
    name: 'leaves a handler',
    code: 'import signal\nsignal.signal(signal.SIGINT, lambda *a: None)\nsignal.signal(signal.SIGCONT, lambda *a: 1 / 0)',
    stdout: '',
  },
  { name: 'deletes its namespace', code: 'for name in list(globals()): del globals()[name]', stdout: '' },
  {
    name: 'writes garbage to the channel',
    code: "import os\nos.write(3, b'\\0\\0\\0\\4\\0\\0\\0\\0junk')\nimport time\ntime.sleep(5)",
    death: /^protocol: /,
  },
  {
    name: 'announces a giant frame',
    code: "import os\nos.write(3, b'\\xff' * 8)\nimport time\ntime.sleep(5)",
    death: /^protocol: /,
  },
  {
    name: 'sends nested arrays',
    code: "import os, struct\nbody = b'[' * 10**6\nos.write(3, struct.pack('>II', len(body), 0) + body)\nimport time\ntime.sleep(5)",
    death: /^protocol: /,
  },
  {
    name: 'names a function of JavaScript',
    code: "import os, struct, json\nbody = json.dumps({'call': 1, 'function': '__proto__', 'batched': False, 'texts': []}).encode()\nos.write(3, struct.pack('>II', len(body), 0) + body)\nprint('sent')",
    stdout: 'sent\n',
  },
  {
    name: 'reuses a call number',
    code: "import os, struct, json, time\nbody = json.dumps({'call': 999, 'function': 'llm_query', 'batched': False, 'texts': [1]}).encode()\nframe = struct.pack('>II', len(body), 1) + body + b'x'\nos.write(3, frame * 2)\ntime.sleep(5)",
    death: /^protocol: /,
  },
  { name: 'closes the channel', code: 'import os\nos.close(3)', death: /^exit: / },
  {
    name: 'floods the host with calls',
    code: "import os, struct, json\nbody = json.dumps({'call': 1, 'function': 'none', 'batched': False, 'texts': []}).encode()\nwhile True: os.write(3, struct.pack('>II', len(body), 0) + body)",
    death: /^protocol: the cell flooded the host/,
  },
  {
    name: 'calls more than it may',
    code: "for i in range(20): llm_query('x')",
    error: 'RuntimeError',
    message: /may make 10/,
    limits: { callsPerCell: 10 },
  },
  { name: 'sends what is no JSON', code: "llm_query({'a': {1, 2}})", error: 'TypeError' },
  { name: 'sends a cycle', code: 'a = []\na.append(a)\nllm_query(a)', error: 'ValueError' },
  { name: 'sends too much', code: "llm_query('x' * (65 << 20))", error: 'ValueError', message: /at most/ },
  {
    name: 'sends deep nesting',
    code: 'a = []\nfor _ in range(400): a = [a]\nprint(len(llm_query(a)))',
    stdout: '1\n',
  },
  {
    name: 'tampers with the runner',
    code: "import sys\nframe = sys._getframe()\nwhile frame:\n    for name in list(frame.f_globals):\n        if name.startswith('_') or name == 'decode_text': frame.f_globals[name] = None\n    frame = frame.f_back",
    death: /^exit: |^$/,
  },
  ...[frames, time, names, runner, memory, processes, files, network].flat(),
]

/** Those that try to get out, for levels that are slow to start. */
export const isolationCells = [files, network, processes, runner, frames].flat()
