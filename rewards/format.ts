// `format`: did the root answer by the protocol, whatever it answered? 0 without an answer by itself;
// else the mean of the four parts, each 0 or 1:
// - answered: it stopped because it answered, and not because the last answer was asked for at a limit;
// - looked: a cell ran in a turn before the one that answered;
// - clean: no cell of the last turn that ran cells raised or died;
// - oneBlock: no turn ran more than one code block, and every turn but an answering one ran one.
// The protocol `direct` has no cells: the last three hold there.
import { z } from 'zod'
import { defineReward } from '../src/reward.ts'
import type { Trajectory } from '../src/trajectory.ts'

function parts(trajectory: Trajectory) {
  const root = trajectory.invocations.find(({ depth }) => depth === 0)
  const turns = root?.turns ?? []
  const last = turns.at(-1)
  const withCells = turns.filter(({ cells }) => cells.length > 0)
  const noRepl = trajectory.protocol.id === 'direct'
  return {
    answered: trajectory.stopReason === 'answered' && trajectory.answer !== null && !last?.forced,
    looked: noRepl || turns.slice(0, -1).some(({ cells }) => cells.length > 0),
    clean: noRepl || (withCells.at(-1)?.cells.every(({ error, death }) => !error && !death) ?? false),
    oneBlock:
      noRepl || turns.every((turn) => turn.cells.length === 1 || (turn === last && turn.cells.length === 0)),
  }
}

export const format = defineReward({
  name: 'format',
  version: '1',
  description: 'The root looked before it answered, one clean block a turn, and answered by itself.',
  options: z.strictObject({}),
  score: ({ trajectory }) => {
    const details = parts(trajectory)
    const held = Object.values(details).filter(Boolean).length
    return { value: details.answered ? held / 4 : 0, details }
  },
})
