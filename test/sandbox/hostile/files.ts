// Cells that look for files and secrets.
import type { HostileCell } from '../outcome.ts'
import { raw } from './parts.ts'

export const files: HostileCell[] = [
  {
    name: 'reads a secret of the host',
    code: 'print(open("TARGET_FILE").read())',
    error: { namespace: 'FileNotFoundError', landlock: 'PermissionError' },
    stdout: '',
  },
  {
    name: 'maps a secret of the host',
    code: 'import os, mmap\nmmap.mmap(os.open("TARGET_FILE", os.O_RDONLY), 0)',
    error: { namespace: 'FileNotFoundError', landlock: 'PermissionError' },
    stdout: '',
  },
  {
    name: 'imports a secret of the host',
    code: 'import importlib.util\nspec = importlib.util.spec_from_file_location("m", "TARGET_FILE.py")\nspec.loader.get_data("TARGET_FILE")',
    error: { namespace: 'FileNotFoundError', landlock: 'PermissionError' },
    stdout: '',
  },
  {
    name: 'reads the environment of its parent',
    code: "import os\nopen(f'/proc/{os.getppid()}/environ')",
    error: { namespace: 'FileNotFoundError', landlock: 'PermissionError' },
    stdout: '',
  },
  {
    name: 'reads an environment in C',
    code: raw(
      "libc.getenv.restype = ctypes.c_char_p\nprint(libc.getenv(b'TARGET_NAME'), libc.getenv(b'PATH'))",
    ),
    stdout: 'None None\n',
  },
  {
    name: 'reads its own memory',
    code: "open('/proc/self/mem', 'rb')",
    error: { namespace: 'FileNotFoundError', landlock: 'PermissionError' },
    stdout: '',
  },
  {
    name: 'opens the channel again',
    code: "open('/proc/self/fd/3')",
    error: { namespace: 'FileNotFoundError', landlock: 'OSError' },
    stdout: '',
  },
  {
    name: 'opens a device',
    code: "import os\nfor name in ('mem', 'kvm', 'tty', 'fuse', 'kmsg'):\n    try: print(os.open(f'/dev/{name}', os.O_RDWR))\n    except OSError: pass",
    stdout: '',
  },
  {
    name: 'links a file',
    code: "import os\nos.symlink('/etc/passwd', '/tmp/x')",
    error: 'PermissionError',
    stdout: '',
  },
  {
    name: 'makes a named pipe',
    code: "import os\nos.mkfifo('/tmp/x')",
    error: 'PermissionError',
    stdout: '',
  },
  {
    name: 'looks into the kernel',
    code: "open('/sys/kernel/notes')",
    error: { namespace: 'FileNotFoundError', landlock: 'PermissionError' },
    stdout: '',
  },
  {
    name: 'walks the file system',
    code: "import os\nprint([name for at in ('/etc', '/root', '/home', '/proc', '/sys', '/var') for name in os.walk(at)])",
    stdout: '[]\n',
  },
  {
    name: 'writes with a database',
    code: "import sqlite3\nsqlite3.connect('/tmp/x.db').execute('create table a (b)')",
    error: 'OperationalError',
    stdout: '',
  },
  {
    name: 'attaches a database',
    code: "import sqlite3\nsqlite3.connect(':memory:').execute(\"attach 'TARGET_FILE' as x\")",
    error: 'OperationalError',
    stdout: '',
  },
  {
    name: 'dumps a database',
    code: "import sqlite3\nc = sqlite3.connect(':memory:')\nc.execute('create table a (b)')\nc.execute(\"vacuum into '/tmp/x'\")",
    error: 'OperationalError',
    stdout: '',
  },
  {
    name: 'locks a file',
    code: "import fcntl, os\nfcntl.flock(os.open('/dev/null', os.O_RDONLY), fcntl.LOCK_EX)\nprint(1)",
    stdout: '1\n',
  },
  {
    name: 'leases a file',
    code: 'import fcntl, os\nfcntl.fcntl(os.open(os.__file__, os.O_RDONLY), fcntl.F_SETLEASE, 0)',
    error: 'PermissionError',
    stdout: '',
  },
  {
    name: 'loads a library',
    code: "import ctypes\nctypes.CDLL('/usr/lib/x86_64-linux-gnu/libcrypt.so.1')",
    error: 'OSError',
    stdout: '',
  },
]
