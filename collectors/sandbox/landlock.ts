// Level `landlock`: no launcher and no namespace. The runner shuts itself in with Landlock and seccomp
// before the first cell; works in plain containers and for any user. Files can be seen to exist, but
// not be read; signals and sockets are stopped by the filter.
import { requireInterpreter } from './level.ts'
import type { Level } from './level.ts'
import { interpreterEnvironment, kernelIsAtLeast, requiredArchitecture, seccompObstacle } from './linux.ts'
import { holdProcesses, startProcess } from './process.ts'
import { cellFilter, systemCallNumber } from './seccomp.ts'

/** How many threads more than now a user may have where RLIMIT_NPROC counts all of this user's. */
const tasksAbove = 4096

export const landlock: Level = {
  isolation: 'landlock',
  hostPython: true,

  async obstacle() {
    const obstacle = seccompObstacle()
    if (obstacle !== null) return obstacle
    return kernelIsAtLeast(5, 13) ? null : 'Landlock needs Linux 5.13 or newer'
  },

  hold: holdProcesses,

  async start({ interpreter: found, pythonArguments, identity, contexts }) {
    const interpreter = requireInterpreter(found)
    return await startProcess({
      interpreter,
      identity,
      contexts,
      launch: () => ({
        command: interpreter.executable,
        arguments: pythonArguments,
        environment: interpreterEnvironment(interpreter),
        statusDescriptor: null,
        inputs: [],
      }),
    })
  },

  confinement({ interpreter: found, identity, processId, parentId, limits, threads }) {
    const interpreter = requireInterpreter(found)
    const architecture = requiredArchitecture()
    const files = [interpreter.executable, ...interpreter.libraries.map((library) => library.path)]
    return {
      plan: {
        limits: identity.uid === null ? limits : { ...limits, NPROC: threads },
        tasksAbove: identity.uid === null ? tasksAbove : undefined,
        parent: parentId,
        landlock: {
          read: [...interpreter.standard, ...interpreter.packages, ...files, '/dev/urandom'],
          write: ['/dev/null'],
        },
        seccompNumber: systemCallNumber('seccomp', architecture),
      },
      filter: cellFilter(architecture, processId ?? 0),
    }
  },
}
