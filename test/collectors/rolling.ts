// A sandbox and a store to run single rollouts in (test/support/rollouts.ts), and what their policies write.
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { openSandbox } from '../../collectors/sandbox/index.ts'
import { openStore } from '../../src/store/index.ts'
import type { Trajectory } from '../../src/trajectory.ts'
import { temporaryDirectory } from '../support/directory.ts'
import { roll, type Setting } from '../support/rollouts.ts'

export type Roll = Setting

export interface Rolling {
  roll(responses: string[], options?: Roll): Promise<Trajectory>
  close(): Promise<void>
}

export async function startRolling(): Promise<Rolling> {
  const directory = await temporaryDirectory('rolling')
  const store = await openStore(path.join(directory, 'store'))
  const sandbox = await openSandbox({})
  return {
    roll: async (responses, options) => await roll({ store, sandbox }, responses, options),
    async close() {
      await sandbox.close()
      await store.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export function turnsOf(trajectory: Trajectory) {
  return trajectory.invocations[0]?.turns ?? []
}

export const code = (text: string): string => `\`\`\`repl\n${text}\n\`\`\``
export const answer = (text: string): string =>
  code(`answer['content'] = ${JSON.stringify(text)}\nanswer['ready'] = True`)
