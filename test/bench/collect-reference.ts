// The collection benchmark: Descent beside the reference implementation, in one run, against one scripted
// server without latency. Prints trajectories/s, processor seconds, memory and bytes of each, and the ratios.
//
//   node test/bench/collect-reference.ts [--trajectories 960 --reference 48 --threads 8 --concurrency 32 --profile]
//
// DESCENT_TEST_POSTGRES (see scripts/with-postgres.ts) adds a PostgreSQL server. The reference is installed
// from PyPI into a virtual environment under the temporary directory, and kept there.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { environmentValue } from '../../src/env.ts'
import { prepareHome, readTarget } from '../../src/store/home.ts'
import { openStore } from '../../src/store/index.ts'
import { removeDirectory, temporaryDirectory } from '../support/directory.ts'
import { printLimits } from './limits.ts'
import { childOf, ownSeconds, parentOf, treeMemory, treeSeconds, waitedSeconds } from './process-tree.ts'
import { printProfile } from './profile.ts'
import { batch, contextOf, expectedAnswer, question, turns } from './script.ts'

const { values } = parseArgs({
  options: {
    trajectories: { type: 'string', default: '960' },
    reference: { type: 'string', default: '48' },
    /** Threads of a third run of the reference, whose REPLs then disturb each other; 0: none. */
    threads: { type: 'string', default: '0' },
    concurrency: { type: 'string', default: '32' },
    profile: { type: 'boolean', default: false },
  },
})
const taskCount = 8
const rlmsVersion = '0.1.3'
const here = path.dirname(fileURLToPath(import.meta.url))
const main = path.join(here, '../../bin/descent.js')

interface Measured {
  name: string
  count: number
  failed: number
  seconds: number
  cpu: number
  /** Of the processor seconds, where a part is known apart. */
  parts?: Record<string, number>
  memory: number
  bytes: number
}

const directory = await temporaryDirectory('bench-reference')
const server = spawn(process.execPath, [path.join(here, 'script-server.ts')], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const [port] = (await once(createInterface({ input: server.stdout }), 'line')) as [string]
const baseUrl = `http://127.0.0.1:${port}/v1`
const results: Measured[] = []
try {
  const python = installReference()
  const contexts: string[] = []
  for (let task = 0; task < taskCount; task += 1) {
    contexts.push(path.join(directory, `context-${task}.txt`))
    await writeFile(contexts[task] ?? '', contextOf(task))
  }
  const count = Number(values.reference)
  results.push(
    await runReference(python, contexts, 'reference, one thread', { count, threads: 1, processes: 1 }),
  )
  results.push(
    await runReference(python, contexts, 'reference, two processes', { count, threads: 1, processes: 2 }),
  )
  const threads = Number(values.threads)
  if (threads > 1)
    results.push(
      await runReference(python, contexts, `reference, ${threads} threads`, { count, threads, processes: 1 }),
    )
  results.push(await runDescent('Descent, embedded store', path.join(directory, 'store'), contexts))
  const url = environmentValue('DESCENT_TEST_POSTGRES')
  if (url !== undefined) results.push(await runDescent('Descent, PostgreSQL server', url, contexts))
  report()
  await printLimits(baseUrl, path.join(directory, 'limits'))
} finally {
  server.kill()
  await removeDirectory(directory)
}

function installReference(): string {
  const home = path.join(os.tmpdir(), `descent-bench-rlms-${rlmsVersion}`)
  const python = path.join(home, 'bin/python')
  if (!existsSync(path.join(home, 'installed'))) {
    execFileSync('python3', ['-m', 'venv', '--clear', home], { stdio: 'inherit' })
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', `rlms==${rlmsVersion}`], { stdio: 'inherit' })
    execFileSync('touch', [path.join(home, 'installed')])
  }
  return python
}

async function runReference(
  python: string,
  contexts: string[],
  name: string,
  { count, threads, processes }: { count: number; threads: number; processes: number },
): Promise<Measured> {
  const logs = path.join(directory, name.replaceAll(/\W/g, '-'))
  await mkdir(logs)
  const share = { count: Math.round(count / processes), threads, contexts, logs, question }
  const address = baseUrl.replace('/v1', '/close/v1')
  const children = Array.from({ length: processes }, () =>
    spawn(
      python,
      [
        path.join(here, 'reference_rollouts.py'),
        JSON.stringify({ ...share, baseUrl: address, answer: expectedAnswer }),
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    ),
  )
  const memory = watchMemory(children.map((child) => child.pid ?? 0))
  const ends = await Promise.all(
    children.map(async (child) => {
      // With threads, what cells print comes out here as well: the REPLs share one `sys.stdout`.
      let line = ''
      createInterface({ input: child.stdout }).on('line', (text) => (line = text))
      await once(child, 'close')
      return JSON.parse(line) as { count: number; failed: number; seconds: number; cpu: number }
    }),
  )
  const sum = (of: (end: (typeof ends)[number]) => number) => ends.reduce((total, end) => total + of(end), 0)
  const files = await readdir(logs)
  const sizes = await Promise.all(files.map(async (file) => (await stat(path.join(logs, file))).size))
  const bytes = sizes.reduce((total, size) => total + size, 0)
  await rm(logs, { recursive: true })
  return {
    name,
    count: sum((end) => end.count),
    failed: sum((end) => end.failed),
    seconds: Math.max(...ends.map((end) => end.seconds)),
    cpu: sum((end) => end.cpu),
    memory: memory.stop(),
    bytes,
  }
}

async function runDescent(name: string, location: string, contexts: string[]): Promise<Measured> {
  const tasks = contexts.map((contextFile, id) =>
    JSON.stringify({ id: String(id), prompt: question, contextFile, answer: expectedAnswer }),
  )
  await writeFile(path.join(directory, 'tasks.jsonl'), tasks.join('\n'))
  const run = {
    name: 'bench',
    tasks: 'tasks.jsonl',
    model: { provider: 'openai', name: 'scripted', baseUrl },
    rollouts: Math.ceil(Number(values.trajectories) / contexts.length),
    concurrency: Number(values.concurrency),
    subCallConcurrency: 16,
    rewards: ['exact'],
  }
  const file = path.join(directory, 'run.yaml')
  await writeFile(file, JSON.stringify(run))
  // Held open, so that the embedded server is there before and after.
  const store = await openStore(location)
  const url = location.startsWith('postgres') ? location : await embeddedUrl(location)
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  let keeper = 0
  try {
    const [backend] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`
    const postmaster = parentOf(backend?.pid ?? 0)
    keeper = parentOf(postmaster)
    const size = async () => {
      await sql`checkpoint`.catch(() => {})
      const [row] = await sql<{ bytes: string }[]>`select pg_database_size(current_database()) as bytes`
      return Number(row?.bytes ?? 0)
    }
    const before = { bytes: await size(), database: treeSeconds(postmaster), waited: waitedSeconds() }
    const start = performance.now()
    const profile = values.profile ? ['--cpu-prof', `--cpu-prof-dir=${directory}`] : []
    // With the option of the launcher's first line.
    const command = [
      process.execPath,
      '--max-semi-space-size=64',
      ...profile,
      main,
      'collect',
      file,
      '--store',
      location,
      '--json',
    ]
    const child = spawn('python3', [path.join(here, 'reaper.py'), ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: directory,
    })
    const memory = watchMemory([child.pid ?? 0, postmaster], () => childOf(child.pid ?? 0))
    let output = ''
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)))
    await once(child, 'close')
    const seconds = (performance.now() - start) / 1000
    if (output === '') throw new Error(`the collection failed: ${said}`)
    const waited = waitedSeconds() - before.waited
    const database = treeSeconds(postmaster) - before.database
    const summary = JSON.parse(output) as {
      trajectories: number
      done: number
      failed: number
      meanReward: number
    }
    const node = memory.ownSeconds()
    const measured = {
      name,
      count: summary.trajectories,
      failed: Math.round(summary.trajectories - summary.done * (summary.meanReward ?? 0)),
      seconds,
      cpu: waited + database,
      parts: { collector: node, interpreters: waited - node, database },
      memory: memory.stop(),
      bytes: (await size()) - before.bytes,
    }
    if (values.profile) await printProfile(directory, summary.trajectories)
    return measured
  } finally {
    await sql.end()
    await store.close()
    // The embedded server ends a few seconds later, and its time would count as the next run's.
    if (url !== location) await ended(keeper)
  }
}

async function ended(processId: number): Promise<void> {
  for (let wait = 0; wait < 300 && existsSync(`/proc/${processId}`); wait += 1) await sleep(100)
}

async function embeddedUrl(location: string): Promise<string> {
  const target = await readTarget(await prepareHome(location))
  if (!target) throw new Error('the embedded server is not there')
  const { user, password, host, port: at, database } = target
  return `postgres://${user}:${encodeURIComponent(password)}@${host}:${at}/${database}`
}

/** Samples twice a second; `collector` finds the process whose own time is told. */
function watchMemory(
  roots: number[],
  collector: () => number = () => 0,
): { ownSeconds(): number; stop(): number } {
  let peak = 0
  let own = 0
  const timer = setInterval(() => {
    peak = Math.max(peak, treeMemory(roots))
    own = Math.max(own, ownSeconds(collector()))
  }, 500)
  return {
    ownSeconds: () => own,
    stop() {
      clearInterval(timer)
      return peak
    },
  }
}

function report(): void {
  const [one, two] = results
  if (!one || !two) return
  const perCall = turns * (1 + batch)
  console.log(
    `${os.cpus().length} cores, Node ${process.version}; ${turns} turns with ${batch} sub-calls each; Descent at concurrency ${values.concurrency}\n`,
  )
  console.log(
    'collector                     count  failed  trajectories/s  calls/s  CPU ms each  peak MB  kB each',
  )
  for (const { name, count, failed, seconds, cpu, memory, bytes, parts } of results) {
    const columns = [
      name.padEnd(28),
      String(count).padStart(6),
      String(failed).padStart(7),
      (count / seconds).toFixed(2).padStart(15),
      ((count * perCall) / seconds).toFixed(0).padStart(8),
      ((1000 * cpu) / count).toFixed(0).padStart(12),
      (memory / 1e6).toFixed(0).padStart(8),
      (bytes / count / 1e3).toFixed(0).padStart(8),
    ]
    const split = Object.entries(parts ?? {}).map(
      ([part, spent]) => `${part} ${((1000 * spent) / count).toFixed(0)}`,
    )
    console.log(`${columns.join(' ')}${split.length > 0 ? `   (${split.join(', ')})` : ''}`)
  }
  const rate = (measured: Measured) => measured.count / measured.seconds
  for (const measured of results.filter(({ name }) => name.startsWith('Descent'))) {
    const cpu = measured.cpu / measured.count / (one.cpu / one.count)
    const bytes = measured.bytes / measured.count / (one.bytes / one.count)
    console.log(
      `\n${measured.name}: ${(rate(measured) / rate(one)).toFixed(1)} x one thread, ${(rate(measured) / rate(two)).toFixed(1)} x two processes, ${cpu.toFixed(2)} of the CPU, ${bytes.toFixed(2)} of the bytes`,
    )
  }
}
