// The limits that a cell reached are stored with it, also when it went on, and shown.
import { expect, test } from 'vitest'
import { descent } from '../support/cli.ts'
import { roll, useWorkbench } from '../support/rollouts.ts'
import { answer, code, turnsOf } from './rolling.ts'

const bench = useWorkbench('cell-limits')

test('a cell says which limits it reached', async () => {
  const responses = [code('print("x" * 300_000)'), code('while True: pass'), code('print(1)'), answer('done')]
  const trajectory = await roll(bench, responses, { limits: { maxTurns: 5, cellSeconds: 1 } })
  const cells = turnsOf(trajectory).flatMap((turn) => turn.cells)
  expect(cells.map(({ limits }) => limits)).toEqual([['output'], ['compute_time'], [], []])
  // The first went on: it has no error, and the REPL lives.
  expect(cells[0]).toMatchObject({ error: null, death: null })
  const shown = await descent(['show', trajectory.id, '--store', `${bench.directory}/store`])
  expect(shown.stdout).toMatch(/cell 1 {2}\d+ ms \(at its limit: output\)/)
  expect(shown.stdout.match(/at its limit/g)).toHaveLength(2)
}, 60_000)
