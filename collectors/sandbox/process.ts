// An interpreter as a process of this machine. Invariant: signals go to the interpreter itself, never to
// a launcher around it, whose end would be the interpreter's end.
import { unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { ContextFile } from '../../src/sandbox.ts'
import type { Identity } from './identity.ts'
import type { Launch } from './level.ts'
import type { Interpreter } from './python.ts'
import { createSnapshot, halfBytes, readSnapshot } from './snapshot.ts'
import { holdSpawner } from './spawner.ts'
import type { Spawned } from './spawner.ts'
import type { Printed, Transport } from './transport.ts'

const firstContextDescriptor = 4
/** After the interpreter was killed, its launcher gets this long to end by itself. */
const launcherGraceMs = 500

export interface ProcessRequest {
  interpreter: Interpreter
  identity: Identity
  contexts: readonly ContextFile[]
  /** `nextDescriptor`: the first that is free for a launcher's own use. */
  launch(nextDescriptor: number): Launch
}

/** Keeps what starts processes; returns how to let go. Throws a SandboxError. */
export async function holdProcesses(interpreter: Interpreter): Promise<() => void> {
  const { release } = await holdSpawner(interpreter)
  return release
}

/**
 * Starts the process with the contexts and the snapshot as inherited descriptors. Throws a SandboxError
 * when a context cannot be opened or the program not started.
 */
export async function startProcess(request: ProcessRequest): Promise<Transport> {
  const { identity, contexts } = request
  const spawner = await holdSpawner(request.interpreter)
  try {
    const { path, handle } = await createSnapshot()
    try {
      const spawned = await spawner.start({
        ...request.launch(firstContextDescriptor + contexts.length + 1),
        uid: identity.uid,
        files: contexts.map((context) => context.path),
        snapshot: path,
      })
      void spawned.exited.then(spawner.release)
      return attend(spawned, spawner.code, handle, contexts.length)
    } catch (error) {
      await handle.close()
      throw error
    } finally {
      await unlink(path)
    }
  } catch (error) {
    spawner.release()
    throw error
  }
}

function attend(spawned: Spawned, code: Buffer, snapshot: FileHandle, contexts: number): Transport {
  const { processId, interpreterId, stream } = spawned
  let ended = false
  let kept: Printed | null = null

  function signal(name: NodeJS.Signals, id = interpreterId): void {
    if (ended || id === null) return
    try {
      process.kill(id, name)
    } catch {
      // It has just ended.
    }
  }

  const exited = spawned.exited.then((death) => {
    ended = true
    kept = readSnapshot(snapshot.fd)
    void snapshot.close()
    stream.destroy()
    return death
  })
  return {
    stream,
    code,
    processId: interpreterId,
    parentId: spawned.parentId,
    exited,
    contexts: Array.from({ length: contexts }, (_, index) => ({
      descriptor: firstContextDescriptor + index,
    })),
    snapshot: {
      descriptor: firstContextDescriptor + contexts,
      halfBytes,
      read: () => kept ?? readSnapshot(snapshot.fd),
    },
    interrupt: () => signal('SIGINT'),
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    kill() {
      signal('SIGKILL')
      if (interpreterId === null) signal('SIGKILL', processId)
      else if (interpreterId !== processId) {
        setTimeout(() => signal('SIGKILL', processId), launcherGraceMs).unref()
      }
    },
  }
}
