// Cells that speak past the runner: forged, broken, oversized and untimely frames on its channel.
import type { HostileCell } from '../outcome.ts'
import { forge, short } from './parts.ts'

export const frames: HostileCell[] = [
  {
    name: 'forges the end of another cell',
    code: forge("send(done)\nprint('on')"),
    stdout: 'on\n',
  },
  {
    name: 'forges frames of the start',
    code: forge(
      "send({'up': True})\nsend({'ready': True, 'variables': []})\nsend({'failed': 'x'})\nsend({'variable': 'x', 'found': True})\nprint('on')",
    ),
    stdout: 'on\n',
  },
  {
    name: 'forges what was printed',
    code: forge(
      "for i in range(20): send({'printed': 'stdout', 'count': 2**52, 'texts': [10**6]}, b'x' * 10**6)\nprint('on')",
    ),
    stdout: 'on\n',
  },
  {
    name: 'sends a frame that is no object',
    code: forge("send(b'null')\ntime.sleep(5)"),
    death: /^protocol: the REPL sent a frame of an unknown shape/,
    stdout: '',
  },
  {
    name: 'sends a frame that is a number',
    code: forge("send(b'1e999')\ntime.sleep(5)"),
    death: /^protocol: the REPL sent a frame of an unknown shape/,
    stdout: '',
  },
  {
    name: 'sends a frame that is a list',
    code: forge("send(b'[]')\ntime.sleep(5)"),
    death: /^protocol: the REPL sent a frame of an unknown shape/,
    stdout: '',
  },
  {
    name: 'sends an empty object',
    code: forge('send({})\ntime.sleep(5)'),
    death: /^protocol: the REPL sent a frame of an unknown shape/,
    stdout: '',
  },
  {
    name: 'sends nothing in a frame',
    code: forge('os.write(3, bytes(8))\ntime.sleep(5)'),
    death: /^protocol: the REPL sent a frame of an unknown shape/,
    stdout: '',
  },
  {
    name: 'sends a call with a negative number',
    code: forge("send({**call, 'call': -1}, b'x')\ntime.sleep(5)"),
    death: /^protocol: the REPL sent a frame of an unknown shape/,
    stdout: '',
  },
  {
    name: 'sends a call with a fraction as its number',
    code: forge("send({**call, 'call': 1.5}, b'x')\ntime.sleep(5)"),
    death: /^protocol: the REPL sent a frame of an unknown shape/,
    stdout: '',
  },
  {
    name: 'sends a call with a number beyond all',
    code: forge(
      'send(b\'{"call":1e400,"function":"llm_query","batched":false,"texts":[1]}\', b\'x\')\ntime.sleep(5)',
    ),
    death: /^protocol: the REPL sent a frame of an unknown shape/,
    stdout: '',
  },
  {
    name: 'sends a call with an endless name',
    code: forge("send({**call, 'function': 'x' * 10**5}, b'x')\ntime.sleep(5)"),
    death: /^protocol: the REPL sent a frame of an unknown shape/,
    stdout: '',
  },
  {
    name: 'claims more text than it sends',
    code: forge("send({**call, 'texts': [100]}, b'x')\ntime.sleep(5)"),
    death: /^protocol: the REPL sent a frame of an unknown shape/,
    stdout: '',
  },
  {
    name: 'claims less text than it sends',
    code: forge("send({**call, 'texts': [0]}, b'x' * 100)\ntime.sleep(5)"),
    death: /^protocol: the REPL sent a frame of an unknown shape/,
    stdout: '',
  },
  {
    name: 'claims sizes that cancel out',
    code: forge("send({**call, 'texts': [2**53, -2**53]}, b'x')\ntime.sleep(5)"),
    death: /^protocol: the REPL sent a frame of an unknown shape/,
    stdout: '',
  },
  {
    name: 'sends too many texts',
    code: forge("send({**call, 'texts': [0] * 200_001})\ntime.sleep(5)"),
    death: /^protocol: the REPL sent a frame of an unknown shape/,
    stdout: '',
  },
  {
    name: 'sends too many variables',
    code: forge("send({**done, 'variables': [['a', 'b', True]] * 10_001})\ntime.sleep(5)"),
    death: /^protocol: the REPL sent a frame of an unknown shape/,
    stdout: '',
  },
  {
    name: 'names encoded arguments that are not there',
    code: forge("send({**call, 'encoded': [7]}, b'x')\nprint('on')"),
    stdout: 'on\n',
  },
  {
    name: 'sends arguments that are no JSON',
    code: forge("send({**call, 'encoded': [0]}, b'{')\nprint('on')"),
    stdout: 'on\n',
  },
  {
    name: 'sends arguments nested without end',
    code: forge(
      "body = b'[' * 400_000 + b']' * 400_000\nsend({**call, 'encoded': [0], 'texts': [len(body)]}, body)\nprint('on')",
    ),
    stdout: 'on\n',
  },
  {
    name: 'sends text that is no UTF-8',
    code: forge(
      'send(call, b\'\\xff\')\nsend(b\'{"call":1000,"function":"\\xff","batched":false,"texts":[]}\')\nprint(\'on\')',
    ),
    stdout: 'on\n',
  },
  {
    name: 'sends keys of JavaScript',
    code: forge(
      'send(b\'{"__proto__":{"done":"x"},"constructor":{},"call":998,"function":"toString","batched":true,"texts":[]}\')\nprint(\'on\', {}.__class__)',
    ),
    stdout: "on <class 'dict'>\n",
  },
  {
    name: 'sends one key twice',
    code: forge(
      'send(b\'{"call":998,"call":"x","function":"llm_query","batched":true,"texts":[]}\')\ntime.sleep(5)',
    ),
    death: /^protocol: the REPL sent a frame of an unknown shape/,
    stdout: '',
  },
  {
    name: 'leaves half a frame behind',
    code: forge("os.write(3, b'\\0\\0\\0')"),
    death: /^timeout: a cell may compute for 0\.3 s/,
    stdout: '',
    limits: short,
  },
  {
    name: 'announces a frame and sends it one byte at a time',
    code: forge(
      "for byte in struct.pack('>II', 100, 0) + b'{' * 100: os.write(3, bytes([byte]))\ntime.sleep(5)",
    ),
    death: /^protocol: the REPL sent a frame of an unknown shape/,
    stdout: '',
  },
  {
    name: 'prints into the channel',
    code: "print('A' * 100, file=open(3, 'w', closefd=False), flush=True)\nimport time\ntime.sleep(5)",
    death: /^protocol: the REPL sent a frame of 1094795585 \+ 1094795585 bytes/,
    stdout: '',
  },
  {
    name: 'shuts the channel down',
    code: 'import socket\nsocket.socket(fileno=3).shutdown(socket.SHUT_WR)\nprint(1)',
    death: /^exit: Python ended with exit code 72/,
    stdout: '',
  },
  {
    name: 'puts something else in the place of the channel',
    code: 'import os\nos.dup2(1, 3)',
    death: /^exit: Python ended with exit code 0/,
    stdout: '',
  },
  {
    name: 'closes everything',
    code: 'import os\nos.closerange(0, 1000)',
    death: /^exit: Python ended with exit code 1/,
    stdout: '',
  },
  {
    name: 'makes the channel not block',
    code: 'import os\nos.set_blocking(3, False)',
    stdout: '',
  },
  {
    name: 'has signals write to the channel',
    code: 'import os, signal\nos.set_blocking(3, False)\nsignal.set_wakeup_fd(3)\nos.set_blocking(3, True)',
    stdout: '',
  },
  {
    name: 'sends a descriptor over the channel',
    code: "import array, socket\nsocket.socket(fileno=3).sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0]))])",
    death: /^exit: Python ended with exit code 72/,
    stdout: '',
  },
  {
    name: 'enlarges the buffers of the channel',
    code: 'import socket\nsocket.socket(fileno=3).setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30)',
    death: /^exit: Python ended with exit code 72/,
    stdout: '',
  },
]
