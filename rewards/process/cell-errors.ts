// `cell_errors`: the share of the cells of the whole tree that neither raised nor died. A rollout without
// cells scores 1 under the protocol `direct` and 0 under any other.
import { z } from 'zod'
import { defineReward } from '../../src/reward.ts'
import type { RewardResult } from '../../src/reward.ts'
import { allCells } from './tree.ts'

export const cellErrors = defineReward({
  name: 'cell_errors',
  version: '1',
  description: 'The share of the cells that neither raised an error nor killed the REPL.',
  options: z.strictObject({}),
  score: ({ trajectory }): RewardResult => {
    const cells = allCells(trajectory)
    if (cells.length === 0)
      return { value: trajectory.protocol.id === 'direct' ? 1 : 0, details: { cells: 0 } }
    const kinds: Record<string, number> = {}
    for (const { error, death } of cells) {
      const kind = death ? `death: ${death.reason}` : error?.type
      if (kind !== undefined) kinds[kind] = (kinds[kind] ?? 0) + 1
    }
    const failed = cells.filter(({ error, death }) => error ?? death).length
    return { value: 1 - failed / cells.length, details: { cells: cells.length, failed, kinds } }
  },
})
