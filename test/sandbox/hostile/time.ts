// Cells that try to run for longer than they may, and those that play with signals.
import type { HostileCell } from '../outcome.ts'
import { short } from './parts.ts'

export const time: HostileCell[] = [
  {
    name: 'computes in a thread behind calls',
    code: 'import threading\ndef spin():\n    while True: pass\nthreading.Thread(target=spin, daemon=True).start()\nwhile True: llm_query("x")',
    error: /^(KeyboardInterrupt|RuntimeError)$/,
    stdout: '',
    limits: short,
  },
  {
    name: 'blocks the interrupt',
    code: 'import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})\nwhile True: pass',
    death: /^timeout: a cell may compute for 0\.3 s/,
    stdout: '',
    limits: short,
  },
  {
    name: 'stops itself',
    code: 'import signal\nsignal.raise_signal(signal.SIGSTOP)',
    error: { landlock: 'Killed' },
    death: { landlock: /^timeout: / },
    stdout: '',
    limits: short,
  },
  {
    name: 'kills itself',
    code: 'import signal\nsignal.raise_signal(signal.SIGKILL)',
    error: { landlock: 'Killed' },
    death: { landlock: /^memory: the system killed Python/ },
    stdout: '',
  },
  {
    name: 'interrupts itself',
    code: 'import signal\nsignal.raise_signal(signal.SIGINT)',
    error: 'KeyboardInterrupt',
    stdout: '',
  },
  {
    name: 'interrupts itself in C',
    code: 'import ctypes\nctypes.pythonapi.PyErr_SetInterrupt()\nfor i in range(10**6): pass',
    error: 'KeyboardInterrupt',
    stdout: '',
  },
  {
    name: 'waits for a signal',
    code: 'import signal\nsignal.pause()',
    error: 'KeyboardInterrupt',
    stdout: '',
    limits: short,
  },
  {
    name: 'loops in a finalizer',
    code: 'class D:\n    def __del__(self):\n        while True: pass\nd = D()\ndel d',
    stdout: '',
    limits: short,
  },
  {
    name: 'loops in a comparison of its names',
    code: 'class K(str):\n    def __eq__(self, other):\n        while True: pass\n    __hash__ = str.__hash__\nglobals()[K("llm_query")] = 1',
    error: 'KeyboardInterrupt',
    stdout: '',
    limits: short,
  },
  {
    name: 'sets a timer that repeats',
    code: 'import signal\nsignal.signal(signal.SIGALRM, lambda *a: 1 / 0)\nsignal.setitimer(signal.ITIMER_REAL, 0.05, 0.001)\nsignal.setitimer(signal.ITIMER_PROF, 0.05, 0.001)',
    stdout: '',
  },
  {
    name: 'ends by a watchdog of its own',
    code: 'import faulthandler, time\nfaulthandler.dump_traceback_later(0.05, exit=True)\ntime.sleep(5)',
    error: 'OSError',
    stdout: '',
  },
  {
    name: 'registers a fault handler',
    code: 'import faulthandler\nfaulthandler.enable(file=3)\nfaulthandler.disable()\nprint(1)',
    stdout: '1\n',
  },
  {
    name: 'limits its processor time',
    code: 'import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))',
    error: 'ValueError',
    stdout: '',
  },
  {
    name: 'never ends at exit',
    code: 'import atexit, time\natexit.register(time.sleep, 10**6)\nimport threading\nthreading.Thread(target=time.sleep, args=(10**6,)).start()',
    stdout: '',
  },
  {
    name: 'finalizes the interpreter',
    code: 'import ctypes\nctypes.pythonapi.Py_FinalizeEx()',
    death: /^(signal|exit|timeout): /,
    stdout: '',
    limits: short,
  },
  {
    name: 'exits in C',
    code: 'import ctypes\nctypes.pythonapi.Py_Exit(7)',
    death: /^exit: Python ended with exit code 7/,
    stdout: '',
  },
]
