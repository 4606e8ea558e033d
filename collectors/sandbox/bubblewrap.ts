// Level `namespace`: bubblewrap gives the interpreter user, pid, network, ipc and uts namespaces and a
// read-only file system that holds nothing but the interpreter. No /proc, no tmpfs: a tmpfs is kernel
// memory without a limit.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { requireInterpreter } from './level.ts'
import type { Level } from './level.ts'
import { libraryBinds } from './library-copies.ts'
import type { LibraryBinds } from './library-copies.ts'
import { interpreterEnvironment, kernelIsAtLeast, requiredArchitecture, seccompObstacle } from './linux.ts'
import { holdProcesses, startProcess } from './process.ts'
import { findPrograms } from './programs.ts'
import type { Interpreter } from './python.ts'
import { cellFilter, startupFilter, systemCallNumber } from './seccomp.ts'

/** The interpreter is the first process of its own pid namespace. */
const innerProcessId = 1
const innerUid = '65534'

let program = '/usr/bin/bwrap'
let disablesNamespaces = true

export const bubblewrap: Level = {
  isolation: 'namespace',
  hostPython: true,

  async obstacle() {
    const obstacle = seccompObstacle()
    if (obstacle !== null) return obstacle
    const [found] = await findPrograms('bwrap')
    if (found === undefined) return 'bubblewrap (bwrap) is not installed'
    program = found
    const help = await promisify(execFile)(program, ['--help']).catch((error: Error) => error)
    if (help instanceof Error) return `${program} does not run: ${help.message.trim().split('\n')[0]}`
    disablesNamespaces = help.stdout.includes('--disable-userns')
    return null
  },

  hold: holdProcesses,

  async start({ interpreter: found, pythonArguments, identity, contexts }) {
    const interpreter = requireInterpreter(found)
    const libraries = await libraryBinds(interpreter)
    return await startProcess({
      interpreter,
      identity,
      contexts,
      launch: (status) => ({
        command: program,
        arguments: [
          ...namespaceArguments(),
          ...fileArguments(interpreter, libraries),
          ...Object.entries(interpreterEnvironment(interpreter)).flatMap((entry) => ['--setenv', ...entry]),
          ...`--seccomp ${status + 1} --json-status-fd ${status} --`.split(' '),
          interpreter.executable,
          ...pythonArguments,
        ],
        environment: {},
        statusDescriptor: status,
        inputs: [{ descriptor: status + 1, data: startupFilter(requiredArchitecture()) }],
      }),
    })
  },

  confinement({ identity, limits, threads }) {
    const architecture = requiredArchitecture()
    // Before 5.14 a user's threads are counted over all namespaces.
    const countedAlone = identity.uid !== null || kernelIsAtLeast(5, 14)
    return {
      plan: {
        limits: countedAlone ? { ...limits, NPROC: threads } : limits,
        seccompNumber: systemCallNumber('seccomp', architecture),
      },
      filter: cellFilter(architecture, innerProcessId),
    }
  },
}

function namespaceArguments(): string[] {
  const namespaces =
    '--unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup-try'
  const identity = `--uid ${innerUid} --gid ${innerUid} --hostname repl --cap-drop ALL`
  const life = '--die-with-parent --new-session --as-pid-1 --clearenv'
  const noMore = disablesNamespaces ? ['--disable-userns'] : []
  return [...`${namespaces} ${identity} ${life}`.split(' '), ...noMore]
}

/** A bind mount costs more than a link, and more with each one before it: only files themselves are bound. */
function fileArguments({ executable, standard, packages }: Interpreter, libraries: LibraryBinds): string[] {
  const own = [executable, ...standard, ...packages].map((file) => [file, file] as const)
  return [
    ...[...own, ...libraries.bound].flatMap(([from, to]) => ['--ro-bind', from, to]),
    ...libraries.linked.flatMap(([from, to]) => ['--symlink', from, to]),
    ...['/dev/null', '/dev/urandom'].flatMap((device) => ['--dev-bind', device, device]),
    // bubblewrap's own root is a writable tmpfs until then.
    ...'--dir /tmp --remount-ro / --chdir /tmp'.split(' '),
  ]
}
