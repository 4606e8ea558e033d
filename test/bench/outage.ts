// The store goes away in the middle of a collection and comes back: everything that was asked for is stored
// once, and nothing was asked for twice. A proxy in front of the database plays the outage.
//
//   node scripts/with-postgres.ts node test/bench/outage.ts [--seconds 30 --tasks 40]
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { environmentValue } from '../../src/env.ts'
import { createScriptedModel } from '../../src/models/index.ts'
import { openStore } from '../../src/store/index.ts'
import { createWorkplace, descent } from '../support/cli.ts'
import { startOpenAIServer } from '../support/openai-server.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '30' }, tasks: { type: 'string', default: '40' } },
})
const url = new URL(environmentValue('DESCENT_TEST_POSTGRES') ?? 'missing://')
if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:')
  throw new Error('DESCENT_TEST_POSTGRES is not set: run it with node scripts/with-postgres.ts')

const sockets = new Set<Socket>()
const address = { host: url.hostname, port: Number(url.port) }
let proxy = await listen(0)
const { port } = proxy.address() as AddressInfo

async function listen(at: number): Promise<Server> {
  const server = createServer((client) => {
    const database = connect(address)
    for (const socket of [client, database]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    }
    client.pipe(database).pipe(client)
  })
  await once(server.listen(at, '127.0.0.1'), 'listening')
  return server
}

async function goAway(): Promise<void> {
  const closed = once(proxy, 'close')
  proxy.close()
  for (const socket of sockets) socket.destroy()
  await closed
}

const workplace = await createWorkplace()
const policy = createScriptedModel('careful')
const server = await startOpenAIServer(async (request) => {
  const messages = request.messages as Parameters<typeof policy.complete>[0]['messages']
  const signal = new AbortController().signal
  const { text } = await policy.complete({ messages, sampling: {}, wantTokens: false, seed: 1 }, signal)
  return { text, delayMs: 400 }
})
try {
  const file = path.join(workplace.directory, 'run.yaml')
  const run = {
    name: 'outage',
    tasks: { taskset: 'factbook', options: { count: Number(values.tasks), maxCharacters: 20_000, seed: 3 } },
    model: { provider: 'openai', name: 'test-model', baseUrl: server.baseUrl },
    concurrency: 8,
    limits: { maxTurns: 10 },
    rewards: ['auto'],
  }
  await writeFile(file, JSON.stringify(run))
  url.port = String(port)
  const collecting = descent(['collect', file, '--json', '--plain', '--store', url.href])
  while (server.seen.length < Number(values.tasks)) await setTimeout(20)
  console.log(`the store goes away for ${values.seconds} s, after ${server.seen.length} requests`)
  await goAway()
  await setTimeout(Number(values.seconds) * 1000)
  const during = server.seen.length
  proxy = await listen(port)
  console.log(`it is back, after ${during} requests`)
  const result = await collecting
  if (result.code !== 0) throw new Error(`the collection ended with ${result.code}: ${result.stderr}`)
  const { runId, trajectories, done } =
    result.json<{ runId: string; trajectories: number; done: number }>()[0] ?? {}
  const store = await openStore(url.href)
  const { items } = await store.listTrajectories(runId ?? '', { limit: 1000 })
  let stored = 0
  for (const { id } of items) stored += (await store.readTrajectory(id)).usage.calls
  await store.close()
  const asked = new Set(server.seen.map((one) => JSON.stringify(one.body.messages))).size
  console.log({ trajectories, done, requests: server.seen.length, different: asked, storedCalls: stored })
  process.exitCode = done === trajectories && stored === server.seen.length ? 0 : 1
} finally {
  await server.close()
  await goAway()
  await workplace.dispose()
}
