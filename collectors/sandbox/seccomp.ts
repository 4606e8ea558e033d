// Seccomp filters as classic BPF, assembled by hand: no libseccomp, no privilege. An allow-list: what is
// not named fails with ENOSYS (EPERM for calls that programs do try), and a foreign architecture or the
// x32 table kills the process. Instruction: struct sock_filter { u16 code; u8 jt; u8 jf; u32 k }.
import { systemCalls } from './system-calls.ts'
import type { SystemCall } from './system-calls.ts'

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number]

const load = 0x20
const equal = 0x15
const atLeast = 0x35
const anyBit = 0x45
const give = 0x06

const permit = 0x7fff0000
const kill = 0x80000000
const fail = (errno: number): number => 0x00050000 | errno
const notPermitted = fail(1)
const denied = fail(13)
const notTerminal = fail(25)
const notImplemented = fail(38)

/** Where struct seccomp_data keeps the number, the architecture and argument `index` (low half). */
const numberAt = 0
const architectureAt = 4
const argumentAt = (index: number): number => 16 + 8 * index

const architectures = {
  x64: { column: 0, audit: 0xc000003e },
  arm64: { column: 1, audit: 0xc00000b7 },
} as const
export type Architecture = keyof typeof architectures

/** The architecture of this process, or null when there is no table for it. */
export function ownArchitecture(): Architecture | null {
  return process.arch === 'x64' || process.arch === 'arm64' ? process.arch : null
}

export function systemCallNumber(name: SystemCall, architecture: Architecture): number {
  return systemCalls[name][architectures[architecture].column]
}

// The most frequent first. Nothing here makes, changes or renames a file: nothing is writable anyway,
// and Landlock alone would not stop chmod or utimensat.
const alwaysAllowed: SystemCall[] = [
  ...(['futex', 'read', 'write', 'readv', 'writev', 'mmap', 'munmap', 'mprotect', 'brk', 'madvise'] as const),
  ...(['rt_sigaction', 'rt_sigprocmask', 'rt_sigreturn', 'clock_gettime', 'gettimeofday', 'time'] as const),
  ...(['close', 'fstat', 'newfstatat', 'stat', 'lstat', 'statx', 'lseek', 'pread64', 'pwrite64'] as const),
  ...([
    'readlink',
    'readlinkat',
    'access',
    'faccessat',
    'faccessat2',
    'getdents64',
    'getcwd',
    'chdir',
  ] as const),
  ...(['poll', 'ppoll', 'select', 'pselect6', 'nanosleep', 'clock_nanosleep', 'clock_getres'] as const),
  ...(['epoll_create', 'epoll_create1', 'epoll_ctl', 'epoll_wait', 'epoll_pwait', 'epoll_pwait2'] as const),
  ...(['eventfd', 'eventfd2', 'pipe', 'pipe2', 'dup', 'dup2', 'dup3', 'umask', 'flock'] as const),
  ...(['recvfrom', 'shutdown', 'getsockopt', 'getsockname', 'getpeername'] as const),
  ...(['rt_sigpending', 'rt_sigtimedwait', 'rt_sigsuspend', 'sigaltstack', 'pause', 'alarm'] as const),
  ...(['getitimer', 'setitimer', 'mremap', 'msync', 'fadvise64', 'statfs', 'fstatfs'] as const),
  ...(['getpid', 'gettid', 'getppid', 'getuid', 'geteuid', 'getgid', 'getegid', 'getgroups'] as const),
  ...(['getresuid', 'getresgid', 'getpgid', 'getpgrp', 'getsid', 'uname', 'sysinfo', 'getrusage'] as const),
  ...([
    'times',
    'getrlimit',
    'sched_yield',
    'sched_getaffinity',
    'getcpu',
    'getrandom',
    'membarrier',
  ] as const),
  ...(['set_robust_list', 'get_robust_list', 'set_tid_address', 'rseq', 'exit', 'exit_group'] as const),
  // A timed futex resumes through it after SIGSTOP and SIGCONT; glibc aborts without it.
  'restart_syscall',
]

/** What a program may well try: it gets EPERM, and with it a PermissionError. */
const refused: SystemCall[] = [
  ...([
    'execve',
    'execveat',
    'fork',
    'vfork',
    'kill',
    'tkill',
    'rt_sigqueueinfo',
    'rt_tgsigqueueinfo',
  ] as const),
  ...(['pidfd_open', 'pidfd_send_signal', 'ptrace', 'process_vm_readv', 'process_vm_writev'] as const),
  ...([
    'socket',
    'connect',
    'bind',
    'listen',
    'accept',
    'accept4',
    'sendmsg',
    'recvmsg',
    'sendmmsg',
  ] as const),
  ...([
    'unshare',
    'setns',
    'mount',
    'umount2',
    'pivot_root',
    'chroot',
    'seccomp',
    'memfd_create',
    'shmget',
  ] as const),
  ...(['io_uring_setup', 'bpf', 'perf_event_open', 'keyctl', 'add_key', 'userfaultfd', 'setxattr'] as const),
  ...(['chmod', 'fchmod', 'fchmodat', 'chown', 'fchown', 'lchown', 'fchownat', 'utime', 'utimes'] as const),
  ...(['utimensat', 'mkdir', 'mkdirat', 'rmdir', 'unlink', 'unlinkat', 'rename', 'renameat'] as const),
  ...(['renameat2', 'link', 'linkat', 'symlink', 'symlinkat', 'truncate', 'ftruncate', 'creat'] as const),
  ...(['mknod', 'mknodat', 'setuid', 'setgid', 'setsid', 'setpgid', 'setrlimit', 'wait4'] as const),
]

/** What the dynamic loader and the runner need between execve and the last filter. */
const startupAllowed: SystemCall[] = [
  ...(['execve', 'prctl', 'seccomp', 'prlimit64', 'setrlimit', 'arch_prctl', 'wait4', 'tgkill'] as const),
  'close_range',
]

const cloneThread = 0x10000
const cloneNewNamespace = 0x7e020000 | 0x80
const truncateOnOpen = 0o1000
const openForWriting = 0o3
const localSockets = [1]
/** Names of threads and of memory areas; nothing else of prctl. */
const prctlOptions = [15, 16, 0x53564d41]
/** FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TCGETS, TIOCGWINSZ; above all not TIOCSTI. */
const ioctlRequests = [0x541b, 0x5421, 0x5451, 0x5450, 0x5401, 0x5413]
/** DUPFD, GETFD, SETFD, GETFL, SETFL, locks, DUPFD_CLOEXEC; not SETOWN or SETSIG, which send signals. */
const fcntlCommands = [0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030]

/**
 * The filter that bubblewrap installs before execve: no new namespaces, no sockets, but what Python
 * needs to start and to confine itself further.
 */
export function startupFilter(architecture: Architecture): Buffer {
  const rules = new Rules(architecture)
  rules.allow(alwaysAllowed)
  rules.allow(startupAllowed)
  rules.allow(['open', 'openat', 'fcntl', 'ioctl', 'sendto'])
  rules.oneOf('socketpair', 0, localSockets, notPermitted)
  rules.guard('clone', [
    [load, 0, 0, argumentAt(0)],
    [anyBit, 0, 1, cloneNewNamespace],
    [give, 0, 0, notPermitted],
    [give, 0, 0, permit],
  ])
  rules.deny(refused)
  return rules.assemble()
}

/** The filter under which cells run. `processId`: the interpreter's own, as it sees it. */
export function cellFilter(architecture: Architecture, processId: number): Buffer {
  const rules = new Rules(architecture)
  rules.allow(alwaysAllowed)
  // Threads only, and no namespaces. clone3 hides its flags in memory; without it libc uses clone.
  rules.guard('clone', [
    [load, 0, 0, argumentAt(0)],
    [anyBit, 1, 0, cloneNewNamespace],
    [anyBit, 1, 0, cloneThread],
    [give, 0, 0, notPermitted],
    [give, 0, 0, permit],
  ])
  // Truncating through a descriptor opened for reading slips past Landlock before its third version.
  for (const [name, flags] of [['open', 1] as const, ['openat', 2] as const]) {
    rules.guard(name, [
      [load, 0, 0, argumentAt(flags)],
      [anyBit, 0, 2, truncateOnOpen],
      [anyBit, 1, 0, openForWriting],
      [give, 0, 0, denied],
      [give, 0, 0, permit],
    ])
  }
  rules.oneOf('fcntl', 1, fcntlCommands, notPermitted)
  rules.oneOf('ioctl', 1, ioctlRequests, notTerminal)
  rules.oneOf('socketpair', 0, localSockets, notPermitted)
  rules.oneOf('tgkill', 0, [processId], notPermitted)
  rules.oneOf('prctl', 0, prctlOptions, notPermitted)
  // Reading limits is fine.
  rules.guard('prlimit64', nullOrDenied(2))
  // A socket pair may be written to; naming an address would reach the sockets of other programs.
  rules.guard('sendto', nullOrDenied(4))
  rules.deny(refused)
  return rules.assemble()
}

/** Allows a call whose pointer `argument` is null, in both halves. */
function nullOrDenied(argument: number): Instruction[] {
  return [
    [load, 0, 0, argumentAt(argument)],
    [equal, 0, 3, 0],
    [load, 0, 0, argumentAt(argument) + 4],
    [equal, 0, 1, 0],
    [give, 0, 0, permit],
    [give, 0, 0, notPermitted],
  ]
}

/** Collects rules; the first that names a call decides, the accumulator holds the call's number. */
class Rules {
  readonly #architecture: Architecture
  readonly #instructions: Instruction[] = []
  readonly #named = new Set<SystemCall>()

  constructor(architecture: Architecture) {
    this.#architecture = architecture
    this.#instructions.push(
      [load, 0, 0, architectureAt],
      [equal, 1, 0, architectures[architecture].audit],
      [give, 0, 0, kill],
      [load, 0, 0, numberAt],
    )
    if (architecture === 'x64') this.#instructions.push([atLeast, 0, 1, 0x40000000], [give, 0, 0, kill])
  }

  allow(names: readonly SystemCall[]): void {
    for (const name of names) this.guard(name, [[give, 0, 0, permit]])
  }

  deny(names: readonly SystemCall[]): void {
    for (const name of names) if (!this.#named.has(name)) this.guard(name, [[give, 0, 0, notPermitted]])
  }

  oneOf(name: SystemCall, argument: number, values: readonly number[], otherwise: number): void {
    this.guard(name, [
      [load, 0, 0, argumentAt(argument)],
      ...values.map((value, index): Instruction => [equal, values.length - index, 0, value]),
      [give, 0, 0, otherwise],
      [give, 0, 0, permit],
    ])
  }

  /** `block` runs for this call only, and every path through it returns. */
  guard(name: SystemCall, block: readonly Instruction[]): void {
    this.#named.add(name)
    const number = systemCallNumber(name, this.#architecture)
    if (number >= 0) this.#instructions.push([equal, 0, block.length, number], ...block)
  }

  assemble(): Buffer {
    const all: Instruction[] = [...this.#instructions, [give, 0, 0, notImplemented]]
    const program = Buffer.alloc(all.length * 8)
    for (const [index, [code, ifTrue, ifFalse, value]] of all.entries()) {
      program.writeUInt16LE(code, index * 8)
      program.writeUInt8(ifTrue, index * 8 + 2)
      program.writeUInt8(ifFalse, index * 8 + 3)
      program.writeUInt32LE(value >>> 0, index * 8 + 4)
    }
    return program
  }
}
