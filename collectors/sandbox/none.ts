// Level `none`: a plain Python process with resource limits. Cells can do whatever the user can; it is
// taken only when it is asked for by name.
import type { Level } from './level.ts'
import { interpreterEnvironment } from './linux.ts'

export const none: Level = {
  isolation: 'none',

  async obstacle() {
    return process.platform === 'win32' ? 'needs a Unix system' : null
  },

  launch({ interpreter, pythonArguments }) {
    return {
      command: interpreter.executable,
      arguments: pythonArguments,
      environment: interpreterEnvironment(interpreter),
      statusDescriptor: null,
      inputs: [],
    }
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
