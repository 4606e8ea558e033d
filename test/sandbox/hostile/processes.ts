// Cells that want to be, to start or to signal other processes.
import type { HostileCell } from '../outcome.ts'
import { raw } from './parts.ts'

export const processes: HostileCell[] = [
  {
    name: 'makes a process with multiprocessing',
    code: 'import multiprocessing\nmultiprocessing.get_context("fork").Process(target=print).start()',
    error: 'PermissionError',
    stdout: '',
  },
  {
    name: 'makes a semaphore',
    code: 'import multiprocessing\nmultiprocessing.Lock()',
    error: { namespace: 'FileNotFoundError', landlock: 'PermissionError' },
    stdout: '',
  },
  {
    name: 'spawns',
    code: 'import os\nos.posix_spawn("/usr/bin/id", ["id"], {})',
    error: 'PermissionError',
    stdout: '',
  },
  {
    name: 'opens a terminal',
    code: 'import os\nos.openpty()',
    error: { namespace: 'FileNotFoundError', landlock: 'PermissionError' },
    stdout: '',
  },
  {
    name: 'makes a process by clone',
    code: raw(
      "number = {'x86_64': 56, 'aarch64': 220}[os.uname().machine]\nprint(libc.syscall(number, 17, 0, 0, 0, 0), ctypes.get_errno())\nprint(libc.syscall(435, 0, 0), ctypes.get_errno())",
    ),
    stdout: '-1 1\n-1 38\n',
  },
  {
    name: 'makes a namespace by clone',
    code: raw(
      "number = {'x86_64': 56, 'aarch64': 220}[os.uname().machine]\nprint(libc.syscall(number, 0x10010000, 0, 0, 0, 0), ctypes.get_errno())",
    ),
    stdout: '-1 1\n',
  },
  {
    name: 'becomes root',
    code: 'import os\nos.setuid(0)',
    error: 'PermissionError',
    stdout: '',
  },
  {
    name: 'changes its group',
    code: 'import os\nos.setgroups([0])',
    error: 'OSError',
    stdout: '',
  },
  {
    name: 'leaves its session',
    code: 'import os\nos.setsid()',
    error: 'PermissionError',
    stdout: '',
  },
  {
    name: 'takes priority',
    code: 'import os\nos.setpriority(os.PRIO_PROCESS, 0, -20)',
    error: 'OSError',
    stdout: '',
  },
  {
    name: 'chooses its processor',
    code: 'import os\nos.sched_setaffinity(0, {0})',
    error: 'OSError',
    stdout: '',
  },
  {
    name: 'signals a thread of another process',
    code: raw(
      "number = {'x86_64': 234, 'aarch64': 131}[os.uname().machine]\nprint(libc.syscall(number, os.getppid() or 1, os.getppid() or 1, 0), ctypes.get_errno())",
    ),
    stdout: /^(0 0|-1 1)\n$/,
  },
  {
    name: 'traces itself',
    code: raw('print(libc.ptrace(0, 0, 0, 0), ctypes.get_errno())'),
    stdout: '-1 1\n',
  },
  {
    name: 'becomes dumpable',
    code: raw('print(libc.prctl(4, 1, 0, 0, 0), ctypes.get_errno())'),
    stdout: '-1 1\n',
  },
  {
    name: 'installs a filter of its own',
    code: raw(
      "number = {'x86_64': 317, 'aarch64': 277}[os.uname().machine]\nprint(libc.syscall(number, 1, 0, 0), ctypes.get_errno())",
    ),
    stdout: '-1 1\n',
  },
  {
    name: 'sets the clock',
    code: 'import time\ntime.clock_settime(time.CLOCK_REALTIME, 0)',
    error: 'OSError',
    stdout: '',
  },
]
