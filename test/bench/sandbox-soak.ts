// The sandbox over a long time: random honest and hostile cells, several sessions at a time. Prints a
// line a minute, and in the end how memory, descriptors, processes and latency moved between the first
// and the last third. Exits with 1 when a cell did not end as it must.
//
//   node test/bench/sandbox-soak.ts [--minutes 10 --sessions 10 --pause 200 --level namespace --seed 1]
import { readdirSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openSandbox } from '../../collectors/sandbox/index.ts'
import { isolationSchema } from '../../src/sandbox.ts'
import { descendants, echo, setup, sleep } from '../sandbox/helpers.ts'
import { hostileCells } from '../sandbox/hostile-cells.ts'
import { aimed, cellAt, differences } from '../sandbox/outcome.ts'
import type { HostileCell } from '../sandbox/outcome.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    sessions: { type: 'string', default: '10' },
    pause: { type: 'string', default: '200' },
    level: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
})
// Ample: which limit a cell reaches must not depend on how busy the machine is.
const limits = {
  cellSeconds: 60,
  memoryBytes: 384 << 20,
  outputCharacters: 100_000,
  openCalls: 64,
  callsPerCell: 1000,
}
const honestCells: HostileCell[] = [
  { name: 'adds', code: 'print(1 + 1)', stdout: '2\n' },
  { name: 'asks', code: 'print(llm_query("a"))', stdout: 'echo a\n' },
  {
    name: 'asks many',
    code: 'print(len(llm_query_batched([str(i) for i in range(50)])))',
    stdout: '50\n',
  },
  {
    name: 'asks in threads',
    code: 'from concurrent.futures import ThreadPoolExecutor as T\nwith T(8) as p: print(len(list(p.map(llm_query, "abcdefgh"))))',
    stdout: '8\n',
  },
  { name: 'fails', code: '1 / 0', error: 'ZeroDivisionError' },
  {
    name: 'counts words',
    code: 'import collections, re\nprint(collections.Counter(re.findall("[a-z]+", "to be or not to be " * 20000)).most_common(1))',
    stdout: "[('to', 40000)]\n",
  },
  { name: 'keeps a big text', code: 'kept = "x" * 10_000_000\nprint(len(kept))', stdout: '10000000\n' },
]
const ownLimits = hostileCells.filter((cell) => cell.limits !== undefined)
const common = hostileCells.filter((cell) => cell.limits === undefined)

let state = Number(values.seed)
/** A number from 0 to below `below`, the same sequence for the same seed (mulberry32). */
function random(below: number): number {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
}

function pick<T>(from: readonly T[]): T {
  const found = from[random(from.length)]
  if (found === undefined) throw new Error('nothing to pick from')
  return found
}

interface Sample {
  minute: number
  cells: number
  deaths: number
  latencyMs: number
  latency99Ms: number
  lagMs: number
  heapMb: number
  rssMb: number
  descriptors: number
  processes: number
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
const sandbox = await openSandbox(
  values.level === undefined ? {} : { level: isolationSchema.parse(values.level) },
)
const lag = monitorEventLoopDelay({ resolution: 10 })
lag.enable()
const startedAt = performance.now()
const endsAt = startedAt + Number(values.minutes) * 60_000
const failures = new Map<string, number>()
let cells = 0
let deaths = 0
let latencies: number[] = []

async function runSession(): Promise<void> {
  const first = random(4) === 0 ? pick(ownLimits) : pick(common)
  const session = await sandbox.open({ contexts: [], setup, limits: { ...limits, ...first.limits } })
  const others = first.limits === undefined ? common : []
  const before = Array.from({ length: first.limits === undefined ? random(5) : 0 }, () => pick(honestCells))
  const after = Array.from({ length: random(8) }, () =>
    others.length > 0 && random(4) === 0 ? pick(others) : pick(honestCells),
  )
  for (const [index, cell] of [...before, first, ...after].entries()) {
    const result = await session.execute(aimed(cell.code, '/etc/hostname', 9, sandbox.isolation), {
      onCall: echo,
    })
    let check = await session.execute('print(1 + 1)', { onCall: echo })
    // What a hostile cell left behind may be the end of the interpreter; then there is another one.
    if (check.death !== null && index >= before.length) {
      check = await session.execute('print(1 + 1)', { onCall: echo })
    }
    latencies.push(check.durationMs)
    cells += 2
    if (result.death !== null) deaths += 1
    // After a hostile cell a session may lack what that cell used up: threads, files, memory.
    const wrong =
      index <= before.length ? differences(cellAt(cell, sandbox.isolation), result, sandbox.isolation) : []
    if (check.stdout !== '2\n') wrong.push(`then 1 + 1: ${check.error?.message ?? check.stdout}`)
    for (const what of wrong) {
      const key = `${cell.name}: ${what}`
      failures.set(key, (failures.get(key) ?? 0) + 1)
    }
    await sleep(Number(values.pause))
  }
  await session.close()
}

async function lane(): Promise<void> {
  while (performance.now() < endsAt) await runSession()
}

function sample(): Sample {
  collectGarbage()
  const sorted = latencies.toSorted((one, other) => one - other)
  latencies = []
  const memory = process.memoryUsage()
  const taken = {
    minute: Math.round((performance.now() - startedAt) / 60_000),
    cells,
    deaths,
    latencyMs: sorted[sorted.length >> 1] ?? 0,
    latency99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    lagMs: lag.max / 1e6,
    heapMb: (memory.heapUsed + memory.external) / 2 ** 20,
    rssMb: memory.rss / 2 ** 20,
    descriptors: readdirSync('/proc/self/fd').length,
    processes: descendants(process.pid).length,
  }
  lag.reset()
  console.log(
    Object.entries(taken)
      .map(([name, value]) => `${name} ${Number.isInteger(value) ? value : value.toFixed(2)}`)
      .join('  '),
  )
  return taken
}

const samples: Sample[] = []
const timer = setInterval(() => samples.push(sample()), 60_000)
console.log(`level ${sandbox.isolation}, ${values.sessions} sessions at a time, Node ${process.version}`)
await Promise.all(Array.from({ length: Number(values.sessions) }, lane))
clearInterval(timer)
await sandbox.close()
await sleep(500)
const last = sample()

const third = Math.max(1, Math.floor(samples.length / 3))
for (const name of ['latencyMs', 'latency99Ms', 'lagMs', 'heapMb', 'rssMb', 'descriptors'] as const) {
  const middle = (some: Sample[]): number =>
    some.map((one) => one[name]).toSorted((a, b) => a - b)[some.length >> 1] ?? 0
  const [early, late] = [middle(samples.slice(0, third)), middle(samples.slice(-third))]
  console.log(`${name}: first third ${early.toFixed(2)}, last third ${late.toFixed(2)} (medians)`)
}
console.log(`${cells} cells, ${deaths} deaths; left over: ${last.processes} processes`)
for (const [what, count] of failures) console.log(`WRONG ${count} times: ${what}`)
process.exitCode = failures.size > 0 || last.processes > 0 ? 1 : 0
