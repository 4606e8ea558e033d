// Cells that lie: about their names, their types, their texts, the builtins.
import type { HostileCell } from '../outcome.ts'
import { short } from './parts.ts'

export const names: HostileCell[] = [
  {
    name: 'names a variable with half a character',
    code: 'globals()["\\ud800"] = 1\nprint("\\ud800" in globals())',
    stdout: 'True\n',
  },
  {
    name: 'makes very many variables',
    code: 'for i in range(10**5): globals()[f"v{i}"] = i\nprint(v99999)',
    stdout: '99999\n',
  },
  {
    name: 'makes a very long name',
    code: 'globals()["x" * 10**7] = 1\nprint(1)',
    stdout: '1\n',
  },
  {
    name: 'makes names that are no text',
    code: 'globals()[5] = globals()[None] = globals()[(1,)] = 1\nprint(1)',
    stdout: '1\n',
  },
  {
    name: 'makes names that raise',
    code: 'class K(str):\n    def __eq__(self, other): raise ValueError\n    __hash__ = str.__hash__\nfor name in ("context", "llm_query", "__name__", "__builtins__"): globals()[K(name)] = 1',
    error: 'ValueError',
    stdout: '',
  },
  {
    name: 'takes the builtins away',
    code: '__builtins__ = None',
    stdout: '',
  },
  {
    name: 'deletes the builtins',
    code: 'del __builtins__',
    stdout: '',
  },
  {
    name: 'empties its builtins',
    code: '__builtins__.clear()',
    stdout: '',
  },
  {
    name: 'empties the module of builtins',
    code: 'import builtins\nbuiltins.__dict__.clear()',
    stdout: '',
  },
  {
    name: 'empties the module of builtins and fails',
    code: 'import builtins\nbuiltins.__dict__.clear()\nnothing',
    error: 'NameError',
    stdout: '',
  },
  {
    name: 'puts a text for the import',
    code: '__builtins__["__import__"] = "x"\nimport os',
    error: 'TypeError',
    stdout: '',
  },
  {
    name: 'replaces __build_class__',
    code: 'import builtins\nbuiltins.__build_class__ = None\nclass A: pass',
    stdout: '',
  },
  {
    name: 'lies about its type',
    code: 'class M(type):\n    __name__ = property(lambda self: 1 / 0)\n    def __instancecheck__(self, other): raise ValueError\nclass A(metaclass=M):\n    @property\n    def __class__(self): raise ValueError\na = A()\nprint(1)',
    stdout: '1\n',
  },
  {
    name: 'makes a type with a very long name',
    code: 'a = type("x" * 10**7, (), {})()\nprint(1)',
    stdout: '1\n',
  },
  {
    name: 'raises a type that lies',
    code: 'class M(type):\n    __name__ = property(lambda self: 1 / 0)\nclass E(Exception, metaclass=M): pass\nraise E',
    error: 'E',
    stdout: '',
  },
  {
    name: 'prints a text that lies',
    code: 'class S(str):\n    def __len__(self): return -1\n    def __str__(self): return self\n    def __getitem__(self, at): return b""\n    def encode(self, *a): return None\nimport sys\nsys.stdout.write(S("abc"))\nprint(S("d"), llm_query(S("e")))',
    stdout: 'abcd echo e\n',
  },
  {
    name: 'answers a text that lies',
    code: 'class S(str):\n    def __str__(self): return self\n    def __len__(self): return -1\nanswer["content"] = S("x")\nanswer["ready"] = True',
    stdout: '',
  },
  {
    name: 'answers what loops',
    code: 'class S:\n    def __str__(self):\n        while True: pass\nanswer["content"] = S()\nanswer["ready"] = True',
    error: 'KeyboardInterrupt',
    stdout: '',
    limits: short,
  },
  {
    name: 'makes the answer a dict that lies',
    code: 'class D(dict):\n    def get(self, *a): raise ValueError\n    def __iter__(self): raise ValueError\n    def keys(self): raise ValueError\nanswer = D(ready=True, content="x")',
    error: 'ValueError',
    stdout: '',
  },
]
