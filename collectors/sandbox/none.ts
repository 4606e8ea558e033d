// Level `none`: a plain Python process with resource limits. Cells can do whatever the user can; it is
// taken only when it is asked for by name.
import { requireInterpreter } from './level.ts'
import type { Level } from './level.ts'
import { interpreterEnvironment } from './linux.ts'
import { holdProcesses, startProcess } from './process.ts'

export const none: Level = {
  isolation: 'none',
  hostPython: true,

  async obstacle() {
    return process.platform === 'win32' ? 'needs a Unix system' : null
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

  confinement({ parentId, limits }) {
    const onLinux = process.platform === 'linux'
    const plan = {
      limits: onLinux ? limits : {},
      parent: onLinux ? parentId : undefined,
      seccompNumber: 0,
    }
    return { plan, filter: Buffer.alloc(0) }
  },
}
