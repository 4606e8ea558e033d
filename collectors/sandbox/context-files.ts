// Contexts reach an interpreter as inherited read-only descriptors: no copy passes through the host,
// and the interpreter needs no access to where they lie.
import { constants, open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { SandboxError } from '../../src/errors.ts'
import type { ContextFile } from '../../src/sandbox.ts'

/** Opens each afresh, so that no two sessions share an offset. Throws a SandboxError. */
export async function openContextFiles(contexts: readonly ContextFile[]): Promise<FileHandle[]> {
  const handles: FileHandle[] = []
  try {
    for (const context of contexts) {
      // Not blocking: a named pipe would wait here for a writer.
      const handle = await open(context.path, constants.O_RDONLY | constants.O_NONBLOCK)
      handles.push(handle)
      if (!(await handle.stat()).isFile()) throw new Error(`${context.path} is not a regular file`)
    }
    return handles
  } catch (error) {
    await closeAll(handles)
    const why = error instanceof Error ? error.message : String(error)
    throw new SandboxError('context', `a context cannot be opened: ${why}`, { cause: error })
  }
}

export async function closeAll(handles: readonly FileHandle[]): Promise<void> {
  for (const handle of handles) await handle.close()
}
