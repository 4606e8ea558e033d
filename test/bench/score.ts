// Measures scoring as a stage: `node test/bench/score.ts [trajectories]`. Appends small trajectories
// to a fresh store, scores them with three cheap rewards as a process, once interrupted and taken up again,
// and compares the stored values with those of a second, undisturbed pass.
import { spawn } from 'node:child_process'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hashOf } from '../../src/hash.ts'
import { openStore, type Store } from '../../src/store/index.ts'
import { aPlannedRun, aTurnsEntries, anEnd } from '../store/fixtures.ts'
import { removeDirectory, temporaryDirectory } from '../support/directory.ts'

const rollouts = 10
const count = Number(process.argv[2] ?? 10_000)
const launcher = path.resolve(import.meta.dirname, '../../bin/descent.js')
const rewards = ['exact', 'format', 'cell_errors']

async function fill(store: Store, directory: string): Promise<string> {
  const { runId, planned } = await aPlannedRun(store, directory, { tasks: count / rollouts, rollouts })
  const now = new Date().toISOString()
  let next = 0
  async function work(): Promise<void> {
    for (let at = next++; at < planned.length; at = next++) {
      const one = planned[at]
      if (!one) return
      await store.beginTrajectory(one.id, now)
      await store.append(aTurnsEntries({ runId, trajectoryId: one.id }, `output of ${one.id}`))
      await store.endTrajectory(one.id, anEnd({ answer: at % 3 === 0 ? one.taskId : 'another' }), now)
    }
  }
  await Promise.all(Array.from({ length: 16 }, work))
  return runId
}

interface Pass {
  seconds: number
  maxMiB: number
  code: number | null
  output: string
}

/** Runs `descent score`; stops it, as Ctrl-C does, when `until` resolves. */
async function pass(
  directory: string,
  runId: string,
  more: string[] = [],
  until?: Promise<void>,
): Promise<Pass> {
  const started = performance.now()
  const args = [launcher, 'score', runId, '--store', directory, '--reward', ...rewards, '--json', ...more]
  const child = spawn('/usr/bin/env', ['time', '-f', 'kB=%M', process.execPath, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  void until?.then(() => child.exitCode === null && process.kill(-(child.pid ?? 0), 'SIGINT'))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  const kilobytes = Number(/kB=(\d+)/.exec(errors)?.[1] ?? 0)
  return { seconds: (performance.now() - started) / 1000, maxMiB: kilobytes / 1024, code, output }
}

/** Resolves two seconds after the first scores are stored. */
async function scoresAppear(directory: string, runId: string): Promise<void> {
  const store = await openStore(directory)
  while ((await store.summarizeRun(runId)).meanReward === null) await sleep(200)
  await store.close()
  await sleep(2000)
}

/** A hash over every score's value, in the order of the trajectories, and how many there are. */
async function digest(directory: string, runId: string): Promise<{ hash: string; scores: number }> {
  const store = await openStore(directory)
  const values: unknown[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<Store['listFigures']>> = await store.listFigures(runId, {
      limit: 500,
      cursor,
    })
    for (const { id, scores } of page.items) {
      for (const { reward, value } of scores.toSorted((a, b) => (a.reward < b.reward ? -1 : 1)))
        values.push([id, reward, value])
    }
    cursor = page.next
  } while (cursor)
  await store.close()
  return { hash: hashOf(values).slice(0, 16), scores: values.length }
}

const directory = await temporaryDirectory('bench-score')
try {
  const store = await openStore(path.join(directory, 'store'))
  const started = performance.now()
  const runId = await fill(store, directory)
  await store.close()
  console.log(`filled ${count} trajectories in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  const place = path.join(directory, 'store')
  const stopped = await pass(place, runId, [], scoresAppear(place, runId))
  console.log('interrupted', { ...stopped, ...(await digest(place, runId)) })
  const resumed = await pass(place, runId)
  const first = await digest(place, runId)
  console.log('taken up', { ...resumed, ...first })
  const again = await pass(place, runId)
  console.log('nothing left', again)
  const whole = await pass(place, runId, ['--again'])
  const second = await digest(place, runId)
  console.log('all again', { ...whole, ...second })
  console.log(first.hash === second.hash ? 'the values are the same' : 'THE VALUES DIFFER')
} finally {
  await removeDirectory(directory)
}
