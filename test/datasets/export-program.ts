// A program for tests that need a process: DIRECTORY TASKS CHARACTERS. Trajectories are made as they
// are read. Prints `ok ROWS`, or the error in one line.
import { createHash } from 'node:crypto'
import { exportDataset } from '../../src/datasets/index.ts'
import { DescentError } from '../../src/errors.ts'
import { makeContent, makeTrajectory, makeTurns } from './fixtures.ts'
import { createMemoryStore } from './memory-store.ts'

const [directory = '', tasks = '1', characters = '1'] = process.argv.slice(2)
const store = createMemoryStore(makeContent(Number(tasks), 1))

/** Text that compresses little; the same for the same task. */
function noise(task: string): string {
  const outputLength = Math.ceil(Number(characters) * 0.75)
  return createHash('shake256', { outputLength }).update(task).digest('base64').slice(0, Number(characters))
}

store.readTrajectory = (id) => {
  const task = id.split('/')[1] ?? ''
  const turns = makeTurns('?', [noise(task)])
  return Promise.resolve(makeTrajectory('run-1', task, 0, { turns }))
}

let line: string
try {
  const { rows } = await exportDataset({
    store,
    runIds: ['run-1'],
    recipe: 'sft-turns',
    directory,
    evalFraction: 0,
  })
  line = `ok ${rows}`
} catch (error) {
  line =
    error instanceof DescentError
      ? `${error.name} ${error.code} ${error.message}`
      : `unexpected ${String(error)}`
}
process.stdout.write(`${line}\n`)
if (process.argv.includes('--peak')) {
  process.stdout.write(`peak ${Math.round(process.resourceUsage().maxRSS / 1024)}\n`)
}
