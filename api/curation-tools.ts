// What repairs need from outside: the sandbox in which repaired turns of any stored run are executed again,
// one trajectory at a time, and the rewards by which a changed answer is scored anew. The sandbox starts with
// the first of them, so an export without a mistake in it needs none.
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createReexecution } from '../collectors/reexecute.ts'
import { openSandbox } from '../collectors/sandbox/index.ts'
import type { OpenReplayer, Rescore } from '../src/datasets/index.ts'
import type { Sandbox } from '../src/sandbox.ts'
import type { Store } from '../src/store/contract.ts'
import { storedProtocol } from './compose.ts'
import { createRescore } from './rescore.ts'

/** Errors raised when a turn is executed: UsageError and SandboxError when no sandbox starts. */
export function openCurationTools(store: Store): {
  tools: { openReplayer: OpenReplayer; rescore: Rescore }
  close(): Promise<void>
} {
  const opened = new Map<string, ReturnType<typeof storedProtocol>>()
  let sandbox: Promise<Sandbox> | null = null
  let scratch: Promise<string> | null = null
  async function protocolOf(runId: string) {
    const known = opened.get(runId) ?? storedProtocol(await store.findRun(runId))
    opened.set(runId, known)
    return known
  }
  const openReplayer: OpenReplayer = async (trajectory, signal) => {
    const { config } = await protocolOf(trajectory.runId)
    scratch ??= mkdtemp(path.join(os.tmpdir(), 'descent-repair-'))
    sandbox ??= openSandbox({ minIsolation: config.minIsolation })
    const [folder, running] = await Promise.all([scratch, sandbox])
    const replayer = createReexecution({
      store,
      sandbox: running,
      protocolOf,
      openScratch: async () => await mkdtemp(path.join(folder, 'contexts-')),
      removeScratch: async (place) => await rm(place, { recursive: true, force: true }),
    })
    return await replayer(trajectory, signal)
  }
  return {
    tools: { openReplayer, rescore: createRescore(store) },
    async close() {
      await (await sandbox?.catch(() => null))?.close()
      const folder = await scratch
      if (folder !== null) await rm(folder, { recursive: true, force: true })
    },
  }
}
