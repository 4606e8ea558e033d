// What a session costs from its start to its end, with a few cells between: processor time of the host
// and of every process it has started, time by the wall, and for how long the host's event loop stands
// still. The host holds some memory, as a collector does: copying its page tables is part of a fork.
//
//   node test/bench/sandbox-start.ts [--sessions 100 --together 1 --cells 6 --ballast 400 --level namespace]
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { openSandbox } from '../../collectors/sandbox/index.ts'
import { isolationSchema } from '../../src/sandbox.ts'
import { descendants, echo, limits, setup, sleep } from '../sandbox/helpers.ts'

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '100' },
    together: { type: 'string', default: '1' },
    cells: { type: 'string', default: '6' },
    ballast: { type: 'string', default: '400' },
    level: { type: 'string' },
  },
})
/** Linux counts processor time in ticks of 1/100 s. */
const tickMs = 10

/** Milliseconds of processor time of this process, of those below it and of all that have ended. */
function processorMs(): number {
  let ticks = 0
  for (const id of [process.pid, ...descendants(process.pid)]) {
    try {
      const stat = readFileSync(`/proc/${id}/stat`, 'latin1')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      for (const field of fields.slice(11, 15)) ticks += Number(field)
    } catch {
      // It has just ended; its parent has its time.
    }
  }
  return ticks * tickMs
}

function quantile(all: readonly number[], part: number): number {
  const sorted = all.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

const ballast = Buffer.alloc(Number(values.ballast) << 20, 1)
const sandbox = await openSandbox(
  values.level === undefined ? {} : { level: isolationSchema.parse(values.level) },
)
const stopped: number[] = []
const started: number[] = []
let last = performance.now()
let watching = true

/** Turns the event loop without pause; what lies between two turns is how long it stood still. */
function watch(): void {
  const now = performance.now()
  stopped.push(now - last)
  last = now
  if (watching) setTimeout(watch, 1)
}

async function run(): Promise<void> {
  const start = performance.now()
  const session = await sandbox.open({ contexts: [], setup, limits })
  started.push(performance.now() - start)
  for (let cell = 0; cell < Number(values.cells); cell += 1) {
    const { error } = await session.execute(`x = [${cell}] * 10\nprint(len(x))`, { onCall: echo })
    if (error) throw new Error(error.message)
  }
  await session.close()
}

for (let index = 0; index < 5; index += 1) await run()
await sleep(300)
started.length = 0
const before = processorMs()
const own = process.cpuUsage()
const start = performance.now()
last = start
watch()
let left = Number(values.sessions)
await Promise.all(
  Array.from({ length: Number(values.together) }, async () => {
    while (left > 0) {
      left -= 1
      await run()
    }
  }),
)
const wallMs = performance.now() - start
watching = false
const { user, system } = process.cpuUsage(own)
await sleep(500)
const count = Number(values.sessions)
console.log(
  [
    `${sandbox.isolation}: ${count} sessions of ${values.cells} cells, ${values.together} at a time, host of ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MB`,
    `processor time ${((processorMs() - before) / count).toFixed(1)} ms a session, of it ${((user + system) / 1000 / count).toFixed(1)} ms in the host`,
    `start ${quantile(started, 0.5).toFixed(1)} ms (median), session ${(wallMs / count).toFixed(1)} ms by the wall`,
    `event loop stood still for ${quantile(stopped, 0.99).toFixed(1)} ms (99 in 100), ${Math.max(...stopped).toFixed(1)} ms at most`,
  ].join('\n'),
)
await sandbox.close()
if (ballast.length < 0) throw new Error('unreachable')
