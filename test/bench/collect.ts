// What the collector itself costs: scripted policies without latency, a real HTTP server, the real
// sandbox and a real store. Prints trajectories/s, and where the time of a rollout goes.
//
//   npm run bench [-- --tasks 50 --rollouts 4 --concurrency 16]
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { planRun, runJob } from '../../collectors/job.ts'
import { openSandbox } from '../../collectors/sandbox/index.ts'
import { createScriptedModel } from '../../src/models/index.ts'
import { runFileSchema } from '../../src/run-file.ts'
import type { Sandbox, SandboxSession } from '../../src/sandbox.ts'
import type { Store } from '../../src/store/contract.ts'
import { openStore } from '../../src/store/index.ts'
import { newRun, prepareRun, scorer } from '../../api/compose.ts'
import { removeDirectory, temporaryDirectory } from '../support/directory.ts'
import { startOpenAIServer } from '../support/openai-server.ts'

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '50' },
    rollouts: { type: 'string', default: '4' },
    concurrency: { type: 'string', default: '16' },
  },
})

/** Seconds spent inside, summed over concurrent callers, and how often. */
const clock = new Map<string, { seconds: number; count: number }>()

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now()
  try {
    return await work()
  } finally {
    const entry = clock.get(name) ?? { seconds: 0, count: 0 }
    entry.seconds += (performance.now() - start) / 1000
    entry.count += 1
    clock.set(name, entry)
  }
}

function timedStore(store: Store): Store {
  return new Proxy(store, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        const result: unknown = Reflect.apply(value, target, args)
        return result instanceof Promise ? timed(`store.${String(name)}`, async () => await result) : result
      }
    },
  })
}

function timedSandbox(sandbox: Sandbox): Sandbox {
  return {
    isolation: sandbox.isolation,
    close: async () => await sandbox.close(),
    async open(options) {
      const session = await timed('sandbox.open', async () => await sandbox.open(options))
      const wrapped: SandboxSession = {
        isolation: session.isolation,
        execute: async (code, run) =>
          await timed('sandbox.execute (sub-calls included)', async () => await session.execute(code, run)),
        variable: async (name) => await session.variable(name),
        remember: (entry) => session.remember(entry),
        close: async () => await timed('sandbox.close', async () => await session.close()),
      }
      return wrapped
    },
  }
}

const directory = await temporaryDirectory('bench')
const policy = createScriptedModel('careful')
const server = await startOpenAIServer(async (request) => {
  const messages = request.messages as Parameters<typeof policy.complete>[0]['messages']
  const { text } = await timed(
    'policy (the scripted server)',
    async () =>
      await policy.complete(
        { messages, sampling: {}, wantTokens: false, seed: 1 },
        new AbortController().signal,
      ),
  )
  return { text }
})
const store = timedStore(await openStore(path.join(directory, 'store')))
const sandbox = timedSandbox(await openSandbox({}))
try {
  const config = runFileSchema.parse({
    name: 'bench',
    tasks: { taskset: 'factbook', options: { count: Number(values.tasks), maxCharacters: 200_000 } },
    model: { provider: 'openai', name: 'bench', baseUrl: server.baseUrl },
    rollouts: Number(values.rollouts),
    concurrency: Number(values.concurrency),
    limits: { maxTurns: 12 },
    rewards: ['auto'],
  })
  const prepared = await prepareRun(config, directory)
  const run = newRun(prepared)
  await store.createRun(run)
  const signal = new AbortController().signal
  const job = { store, runId: run.id, config, signal, emit: () => {} }
  const planning = performance.now()
  await planRun({ ...job, taskset: prepared.taskset })
  const start = performance.now()
  const cpu = process.cpuUsage()
  const score = scorer(store, run.id, prepared.rewards)
  const summary = await runJob({
    ...job,
    protocol: prepared.protocol,
    sandbox,
    models: prepared.models,
    score,
  })
  const seconds = (performance.now() - start) / 1000
  const used = process.cpuUsage(cpu)

  console.log(
    `${os.cpus().length} cores, Node ${process.version}, sandbox ${sandbox.isolation}, concurrency ${config.concurrency}`,
  )
  console.log(`planning ${summary.tasks} tasks: ${((start - planning) / 1000).toFixed(2)} s`)
  console.log(
    `${summary.done} trajectories in ${seconds.toFixed(2)} s: ${(summary.done / seconds).toFixed(1)} trajectories/s, ${(summary.calls / seconds).toFixed(0)} calls/s`,
  )
  console.log(
    `this process: ${((used.user + used.system) / 1e6 / seconds).toFixed(2)} cores; mean reward ${summary.meanReward?.toFixed(3)}\n`,
  )
  console.log('where a rollout waits (ms per rollout, summed over its concurrent parts):')
  for (const [name, { seconds: spent, count }] of [...clock.entries()]
    .toSorted((a, b) => b[1].seconds - a[1].seconds)
    .slice(0, 14)) {
    console.log(
      `  ${((spent * 1000) / summary.done).toFixed(2).padStart(9)}  ${name}  (${(count / summary.done).toFixed(1)} times)`,
    )
  }
} finally {
  await sandbox.close()
  await store.close()
  await server.close()
  await removeDirectory(directory)
}
