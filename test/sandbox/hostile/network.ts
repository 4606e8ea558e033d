// Cells that look for a network.
import type { HostileCell } from '../outcome.ts'
import { raw } from './parts.ts'

export const network: HostileCell[] = [
  {
    name: 'connects to the host',
    code: "import socket\nsocket.create_connection(('127.0.0.1', TARGET_PORT))",
    error: 'PermissionError',
    stdout: '',
  },
  {
    name: 'connects to the host over IPv6',
    code: "import socket\nsocket.create_connection(('::1', TARGET_PORT))",
    error: 'PermissionError',
    stdout: '',
  },
  {
    name: 'connects in C',
    code: raw(
      "import struct\nprint(libc.socket(2, 1, 0), ctypes.get_errno())\naddress = struct.pack('=HH4s8x', 2, 0, b'\\x7f\\0\\0\\1')\nprint(libc.connect(3, address, 16), ctypes.get_errno())",
    ),
    stdout: '-1 1\n-1 1\n',
  },
  {
    name: 'connects a socket pair',
    code: "import socket\na, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\na.connect('\\0x')",
    error: 'PermissionError',
    stdout: '',
  },
  {
    name: 'sends to an address',
    code: "import socket\na, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\na.sendto(b'x', '\\0x')",
    error: 'PermissionError',
    stdout: '',
  },
  {
    name: 'listens',
    code: "import socket\nsocket.create_server(('', 0))",
    error: 'PermissionError',
    stdout: '',
  },
  {
    name: 'resolves a name',
    code: "import socket\nsocket.getaddrinfo('localhost', 80)",
    error: 'gaierror',
    stdout: '',
  },
  {
    name: 'opens a raw socket',
    code: 'import socket\nsocket.socket(socket.AF_PACKET, socket.SOCK_RAW)',
    error: 'PermissionError',
    stdout: '',
  },
  {
    name: 'opens a socket to the host of a machine',
    code: 'import socket\nsocket.socket(40, socket.SOCK_STREAM)',
    error: 'PermissionError',
    stdout: '',
  },
  {
    name: 'uses the cryptography of the kernel',
    code: 'import socket\nsocket.socket(38, socket.SOCK_SEQPACKET)',
    error: 'PermissionError',
    stdout: '',
  },
  {
    name: 'serves with asyncio',
    code: "import asyncio\nasyncio.run(asyncio.start_server(print, '127.0.0.1', 0))",
    stdout: '',
  },
  {
    name: 'asks for interfaces',
    code: 'import socket\nprint(socket.if_nameindex())',
    error: 'PermissionError',
    stdout: '',
  },
  {
    name: 'uses io_uring',
    code: raw('print(libc.syscall(425, 1, 0), ctypes.get_errno())'),
    stdout: '-1 1\n',
  },
]
