// A program for tests that kill it: DIRECTORY. The same export on every call, over trajectories that are
// made as they are read; several configs, many files, contexts. Prints `ready` when it is past the start.
import { exportDataset } from '../../src/datasets/index.ts'
import { makeContent, makeTrajectory, makeTurns } from './fixtures.ts'
import { createMemoryStore } from './memory-store.ts'

const [directory = ''] = process.argv.slice(2)
const store = createMemoryStore(makeContent(60, 2))
store.readTrajectory = (id) => {
  const [, task = '', rollout = '0'] = id.split('/')
  const replies = [0, 1, 2].map((turn) => `${id} ${turn} `.repeat(40 + (task.length + turn) * 10))
  const reward = Number(rollout)
  return Promise.resolve(
    makeTrajectory('run-1', task, Number(rollout), { turns: makeTurns(task, replies), reward }),
  )
}
const { rows } = await exportDataset({
  store,
  runIds: ['run-1'],
  recipe: ['sft-turns', 'rl-prompts', 'kto'],
  directory,
  evalFraction: 0.2,
  validationFraction: 0.2,
  maxShardBytes: 30_000,
  onNotice: (text) => void process.stdout.write(`${text}\n`),
})
process.stdout.write(`ok ${rows}\n`)
