// Cells that reach for the runner and for the machinery of the interpreter.
import type { HostileCell } from '../outcome.ts'
import { short } from './parts.ts'

export const runner: HostileCell[] = [
  {
    name: 'spoils objects of the runner',
    code: 'import gc\nfor thing in gc.get_objects():\n    if type(thing).__module__.startswith("runner"):\n        try:\n            for name in list(vars(thing)): setattr(thing, name, None)\n        except Exception: pass',
    death: /^exit: Python ended with exit code 72/,
    stdout: '',
  },
  {
    name: 'spoils classes of the runner',
    code: 'import gc\nfor thing in gc.get_objects():\n    if isinstance(thing, type) and thing.__module__.startswith("runner"):\n        for name in list(vars(thing)):\n            try: delattr(thing, name)\n            except Exception: pass',
    death: /^exit: Python ended with exit code 72/,
    stdout: '',
  },
  {
    name: 'empties the builtins of the runner',
    code: 'llm_query.__globals__["__builtins__"].clear()',
    death: /^exit: Python ended with exit code (1|70)\b/,
    stdout: '',
  },
  {
    name: 'makes the wait for frames lie',
    code: 'channel = llm_query.__closure__[0].cell_contents\nchannel.poll = lambda *a: [1]\nchannel.pass_over, channel.missed = -5, 10**100\nprint(llm_query("a"))',
    stdout: 'echo a\n',
  },
  {
    name: 'makes the wait for frames blind',
    code: 'channel = llm_query.__closure__[0].cell_contents\nchannel.poll = lambda *a: 0\nchannel.pass_over = channel.missed = 0\nprint(llm_query("a"))',
    stdout: 'echo a\n',
  },
  {
    name: 'leaves an endless end of a value among the builtins',
    code: 'import builtins\nclass Value:\n    def __del__(self):\n        while True: pass\n__builtins__["x"] = Value()\nbuiltins.len = builtins.y = Value()',
    stdout: '',
    limits: short,
  },
  {
    name: 'stops the collector',
    code: 'import gc, sys\ngc.disable()\ngc.freeze()\ngc.set_debug(gc.DEBUG_LEAK)\nsys.setswitchinterval(10**6)',
    stdout: '',
  },
  {
    name: 'collects with callbacks',
    code: 'import gc\ndef callback(*a): raise ValueError\ngc.callbacks.append(callback)\ngc.collect()\nprint(1)',
    stdout: '1\n',
  },
  {
    name: 'poisons the imports',
    code: 'import sys\nclass F:\n    def find_spec(self, *a): raise ValueError\nsys.meta_path.insert(0, F())\nsys.path_hooks.clear()\nsys.path.clear()\nsys.path_importer_cache.clear()',
    stdout: '',
  },
  {
    name: 'empties the list of modules',
    code: 'import sys\nsys.modules.clear()',
    stdout: '',
  },
  {
    name: 'puts None for modules',
    code: 'import sys\nfor name in list(sys.modules): sys.modules[name] = None',
    stdout: '',
  },
  {
    name: 'empties the module sys',
    code: 'import sys\nsys.__dict__.clear()',
    stdout: '',
  },
  {
    name: 'replaces the hooks',
    code: 'import sys, threading\ndef hook(*a):\n    while True: pass\nsys.excepthook = sys.unraisablehook = sys.displayhook = sys.breakpointhook = threading.excepthook = hook\n1 / 0',
    error: 'ZeroDivisionError',
    stdout: '',
  },
  {
    name: 'adds an audit hook that raises',
    code: 'import sys\ndef hook(*a): raise ValueError\nsys.addaudithook(hook)',
    // The hook meets the runner as well, which ends at the latest before the next cell.
    error: /^(ValueError|Killed)$/,
    death: /^(exit: Python ended with exit code 72.*)?$/s,
    stdout: '',
  },
  {
    name: 'traces in threads',
    code: 'import sys, threading\ndef trace(*a): raise ValueError\nthreading.settrace(trace)\nthreading.setprofile(trace)\nsys.setprofile(trace)',
    error: 'ValueError',
    stdout: '',
  },
  {
    name: 'raises in another thread\u2019s name',
    code: 'import ctypes, threading\nctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(threading.get_ident()), ctypes.py_object(ValueError))\nfor i in range(10**6): pass',
    error: 'ValueError',
    stdout: '',
  },
  {
    name: 'exits from a thread',
    code: 'import os, threading\nt = threading.Thread(target=os._exit, args=(9,))\nt.start()\nt.join()',
    death: /^exit: Python ended with exit code 9/,
    stdout: '',
  },
  {
    name: 'breaks the codecs',
    code: 'import codecs\ncodecs.register(lambda name: 1 / 0)\ncodecs.lookup_error = None\nimport encodings\nencodings._cache.clear()',
    stdout: '',
  },
  {
    name: 'calls back from weak references',
    code: 'import weakref\nclass A: pass\na = A()\ndef gone(*x): raise ValueError\nr = weakref.ref(a, gone)\nweakref.finalize(a, gone)\ndel a\nprint(1)',
    stdout: '1\n',
  },
  {
    name: 'has its exception follow itself',
    code: 'a = ValueError("a")\nb = ValueError("b")\na.__cause__ = b\nb.__cause__ = a\nraise a',
    error: 'ValueError',
    stdout: '',
  },
  {
    name: 'raises a long chain',
    code: 'e = None\nfor i in range(20000):\n    n = ValueError(i)\n    n.__context__ = e\n    e = n\nraise e',
    error: 'ValueError',
    stdout: '',
    limits: short,
  },
  {
    name: 'raises from a very long line',
    code: 'exec("x = 1; " * 10**5 + "1 / 0")',
    error: 'ZeroDivisionError',
    stdout: '',
  },
  {
    name: 'shows a file of the host in its traceback',
    code: 'exec(compile("\\n1 / 0", "TARGET_FILE", "exec"))',
    error: 'ZeroDivisionError',
    stdout: '',
  },
  {
    name: 'warns of a file of the host',
    code: 'import warnings\nwarnings.warn_explicit("x", UserWarning, "TARGET_FILE", 1)\nprint(1)',
    stdout: '1\n',
  },
]
