// Level `none`: a plain Python process with resource limits. Cells can do whatever the user can; it is
// taken only when it is asked for by name.
import { requireInterpreter } from './level.ts'
import type { Level } from './level.ts'
import { interpreterEnvironment } from './linux.ts'
import { startProcess } from './process.ts'

export const none: Level = {
  isolation: 'none',
  hostPython: true,

  async obstacle() {
    return process.platform === 'win32' ? 'needs a Unix system' : null
  },

  async start({ interpreter: found, pythonArguments, identity, contexts }) {
    const interpreter = requireInterpreter(found)
    return await startProcess({
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

  confinement({ limits }) {
    const onLinux = process.platform === 'linux'
    const plan = {
      limits: onLinux ? limits : {},
      parent: onLinux ? process.pid : undefined,
      seccompNumber: 0,
    }
    return { plan, filter: Buffer.alloc(0) }
  },
}
