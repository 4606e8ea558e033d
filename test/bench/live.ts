// Whether live readers miss anything: many of them follow a run over server-sent events while it is collected,
// lose their connections at random and come back with Last-Event-ID; some never leave, some read slowly.
//
//   node test/bench/live.ts [--readers 200 --trajectories 200 --concurrency 8 --seed 1]
//
// A reader has lost something when the last row that it was told of a trajectory is not how the trajectory
// has ended. Prints what each kind of reader received, and the memory of the server; exits 1 for a loss. The
// store is the embedded one, or that of DESCENT_TEST_POSTGRES (scripts/with-postgres.ts).
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { request, type ClientRequest } from 'node:http'
import { cpus } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { environmentValue } from '../../src/env.ts'
import { seededRandom } from '../../src/tasks/random.ts'
import { removeDirectory, temporaryDirectory } from '../support/directory.ts'
import { ownSeconds } from './process-tree.ts'

const { values } = parseArgs({
  options: {
    readers: { type: 'string', default: '200' },
    trajectories: { type: 'string', default: '200' },
    concurrency: { type: 'string', default: '8' },
    seed: { type: 'string', default: '1' },
  },
})
const readerCount = Number(values.readers)
const trajectoryCount = Number(values.trajectories)
const rollouts = 4
/** After the collection, until a reader that lacks something has lost it. */
const patienceMilliseconds = 30_000
const main = path.resolve(import.meta.dirname, '../../api/cli/main.ts')

type Kind = 'steady' | 'leaving' | 'slow'

interface Reader {
  kind: Kind
  /** The last that it was told of each trajectory. */
  told: Map<string, string>
  places: Set<string>
  events: number
  /** Events whose place it had been told before. */
  repeated: number
  connections: number
  refused: number
  stop(): void
  ended: Promise<void>
}

interface Row {
  id: string
  status: string
  endedAt: string | null
  reward: number | null
}

/** How a trajectory stands, as one text to compare. */
function stateOf({ status, endedAt, reward }: Row): string {
  return `${status} ${endedAt} ${reward}`
}

function kindOf(index: number): Kind {
  return index % 10 === 0 ? 'steady' : index % 10 === 1 ? 'slow' : 'leaving'
}

function startReader(url: string, index: number): Reader {
  const kind = kindOf(index)
  const random = seededRandom('live reader', Number(values.seed) * 10_000 + index)
  const stopped = new AbortController()
  let open: ClientRequest | null = null
  let lastId: string | null = null
  const reader: Reader = {
    kind,
    told: new Map(),
    places: new Set(),
    events: 0,
    repeated: 0,
    connections: 0,
    refused: 0,
    stop() {
      stopped.abort()
      open?.destroy()
    },
    ended: Promise.resolve(),
  }

  function take(event: string): void {
    const id = /^id: (.*)$/m.exec(event)?.[1]
    const data = /^data: (.*)$/m.exec(event)?.[1]
    if (id === undefined || data === undefined) return
    const row = JSON.parse(data) as Row
    reader.events += 1
    if (reader.places.has(id)) reader.repeated += 1
    reader.places.add(id)
    reader.told.set(row.id, stateOf(row))
    lastId = id
  }

  async function connect(): Promise<void> {
    const headers = lastId === null ? {} : { 'last-event-id': lastId }
    reader.connections += 1
    const sent = request(url, { headers, agent: false })
    open = sent
    // An end of the connection is seen by whoever reads; later ones are of no interest.
    sent.on('error', () => {})
    sent.end()
    const leave =
      kind === 'leaving' ? setTimeout(() => sent.destroy(), 100 + random.next() * 3000) : undefined
    try {
      const [response] = (await once(sent, 'response')) as [AsyncIterable<Buffer> & { statusCode: number }]
      if (response.statusCode !== 200) {
        reader.refused += 1
        sent.destroy()
        return
      }
      let rest = ''
      for await (const chunk of response) {
        rest += chunk.toString('utf8')
        const events = rest.split('\n\n')
        rest = events.pop() ?? ''
        for (const event of events) take(event)
        if (kind === 'slow') await sleep(50 + random.next() * 450)
      }
    } catch {
      // A connection that ends is what this is about.
    } finally {
      clearTimeout(leave)
    }
  }

  reader.ended = (async () => {
    await sleep(random.next() * 1000)
    while (!stopped.signal.aborted) {
      await connect()
      if (!stopped.signal.aborted) await sleep(random.next() * 1000)
    }
  })()
  return reader
}

function descent(directory: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [main, ...args], { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] })
}

/** What the server says first; it goes on talking, so it is listened to until it ends. */
async function addressOf(server: ChildProcess): Promise<string> {
  let said = ''
  return await new Promise((resolve, reject) => {
    server.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const found = /the trace browser: (\S+)/.exec(said)?.[1]
      if (found !== undefined) resolve(found)
    })
    server.once('exit', () => reject(new Error(`the server ended: ${said}`)))
  })
}

/** Megabytes of memory that a process holds. */
function memoryOf({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024
}

/** Over a connection of its own: one that is kept may be closed while the collection goes on. */
async function getJson<T>(url: string): Promise<T> {
  const sent = request(url, { agent: false })
  sent.end()
  const [response] = (await once(sent, 'response')) as [AsyncIterable<Buffer>]
  let text = ''
  for await (const chunk of response) text += chunk.toString('utf8')
  return JSON.parse(text) as T
}

async function newestRun(url: string): Promise<string> {
  for (;;) {
    const { items } = await getJson<{ items: { id: string }[] }>(`${url}/v1/runs?limit=1`)
    if (items[0]) return items[0].id
    await sleep(100)
  }
}

async function finalStates(url: string, run: string): Promise<Map<string, string>> {
  const states = new Map<string, string>()
  let cursor = ''
  do {
    const address = `${url}/v1/runs/${run}/trajectories?limit=200${cursor}`
    const { items, next } = await getJson<{ items: Row[]; next: string | null }>(address)
    for (const row of items) states.set(row.id, stateOf(row))
    cursor = next === null ? '' : `&cursor=${next}`
  } while (cursor !== '')
  return states
}

function lostOf(reader: Reader, final: Map<string, string>): number {
  return [...final].filter(([id, state]) => reader.told.get(id) !== state).length
}

function report(readers: Reader[], final: Map<string, string>): number {
  console.log(
    'readers'.padEnd(14) +
      ['count', 'connections', 'refused', 'expected', 'received', 'events', 'repeated', 'lost']
        .map((head) => head.padStart(12))
        .join(''),
  )
  let lost = 0
  for (const kind of ['steady', 'leaving', 'slow'] as const) {
    const some = readers.filter((reader) => reader.kind === kind)
    const sum = (value: (reader: Reader) => number) => some.reduce((total, one) => total + value(one), 0)
    const missing = sum((reader) => lostOf(reader, final))
    lost += missing
    const received = some.length * final.size - missing
    const figures = [
      some.length,
      sum(({ connections }) => connections),
      sum(({ refused }) => refused),
      some.length * final.size,
      received,
      sum(({ events }) => events),
      sum(({ repeated }) => repeated),
      missing,
    ]
    console.log(kind.padEnd(14) + figures.map((figure) => String(figure).padStart(12)).join(''))
  }
  const perReader = readers.map((reader) => final.size - lostOf(reader, final))
  console.log(
    `each of ${readers.length} readers: expected ${final.size} final rows, received ${Math.min(...perReader)} to ${Math.max(...perReader)}`,
  )
  return lost
}

const directory = await temporaryDirectory('bench-live')
const place = environmentValue('DESCENT_TEST_POSTGRES') ?? path.join(directory, 'store')
const runFile = path.join(directory, 'run.yaml')
await writeFile(
  runFile,
  [
    'name: live',
    `tasks: {taskset: needles, options: {count: ${Math.ceil(trajectoryCount / rollouts)}, characters: 20000}}`,
    'model: {provider: scripted, name: careful}',
    'subModel: {provider: scripted, name: reader}',
    `rollouts: ${rollouts}`,
    `concurrency: ${values.concurrency}`,
    'rewards: [auto]',
  ].join('\n'),
)
const server = descent(directory, 'serve', '--port', '0', '--store', place)
const readers: Reader[] = []
let collection: ChildProcess | null = null
try {
  const url = await addressOf(server)
  await getJson(`${url}/v1/runs`)
  const before = memoryOf(server)
  const started = performance.now()
  collection = descent(directory, 'collect', runFile, '--plain', '--store', place)
  collection.stderr?.resume()
  const collected = once(collection, 'close')
  const run = await newestRun(url)
  for (let index = 0; index < readerCount; index += 1)
    readers.push(startReader(`${url}/v1/runs/${run}/events`, index))
  let peak = before
  const watch = setInterval(() => (peak = Math.max(peak, memoryOf(server))), 250)
  const [code] = (await collected) as [number | null]
  const seconds = (performance.now() - started) / 1000
  if (code !== 0) throw new Error(`the collection ended with code ${code}`)
  const final = await finalStates(url, run)
  const patience = performance.now() + patienceMilliseconds
  while (readers.some((reader) => lostOf(reader, final) > 0) && performance.now() < patience) await sleep(100)
  const caughtUp = (performance.now() - started) / 1000 - seconds
  for (const reader of readers) reader.stop()
  await Promise.all(readers.map(({ ended }) => ended))
  clearInterval(watch)
  console.log(
    `${cpus().length} cores; ${final.size} trajectories in ${seconds.toFixed(1)} s; all readers had everything ${caughtUp.toFixed(1)} s later`,
  )
  const lost = report(readers, final)
  await sleep(3000)
  console.log(
    `server: ${before.toFixed(0)} MB before, ${peak.toFixed(0)} MB at most, ${memoryOf(server).toFixed(0)} MB after; ${ownSeconds(server.pid ?? 0).toFixed(1)} processor seconds`,
  )
  console.log(`${lost === 0 ? 'ok' : 'FAIL'}: ${lost} lost`)
  process.exitCode = lost === 0 && final.size > 0 ? 0 : 1
} finally {
  for (const reader of readers) reader.stop()
  collection?.kill('SIGKILL')
  server.kill('SIGINT')
  if (server.exitCode === null) await once(server, 'close')
  await removeDirectory(directory)
}
