// Single rollouts in a real sandbox and a real store (test/support/rollouts.ts), and what policies write.
import type { Trajectory } from '../../src/trajectory.ts'
import { roll, useWorkbench, type Setting } from '../support/rollouts.ts'

export type Roll = Setting

/** For all tests of a file. */
export function useRolling(name: string) {
  const bench = useWorkbench(name)
  return {
    roll: async (responses: string[], options?: Roll): Promise<Trajectory> =>
      await roll(bench, responses, options),
  }
}

export function turnsOf(trajectory: Trajectory) {
  return trajectory.invocations[0]?.turns ?? []
}

export const code = (text: string): string => `\`\`\`repl\n${text}\n\`\`\``
export const answer = (text: string): string =>
  code(`answer['content'] = ${JSON.stringify(text)}\nanswer['ready'] = True`)
