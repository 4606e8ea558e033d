// How fast the API answers over a large store: `node test/bench/serve.ts [TRAJECTORIES] [CALLS EACH]`.
// The store is filled through the real writer (seeded), on the embedded server, or on the one that
// DESCENT_TEST_POSTGRES names (`node scripts/with-postgres.ts node test/bench/serve.ts`). Prints p50 and p95
// of each view over the HTTP door, and the scans in the plans of its queries; exits 1 when one of them goes
// through a whole big table.
import { cpus } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { createApp } from '../../api/http/app.ts'
import { environmentValue } from '../../src/env.ts'
import { openEmbedded } from '../../src/store/embedded.ts'
import { openStore } from '../../src/store/index.ts'
import { fillStore } from '../support/fill.ts'
import { removeDirectory, temporaryDirectory } from '../support/directory.ts'

const wanted = Number(process.argv[2] ?? 5000)
const callsEach = Number(process.argv[3] ?? 30)
const rollouts = 4
const perRun = Math.min(500, Math.max(rollouts, wanted))
const runs = Math.max(1, Math.round(wanted / perRun))
const rounds = 60
const bigTables = ['trajectories', 'cells', 'calls', 'turns', 'messages', 'scores', 'search_texts', 'blobs']

const directory = await temporaryDirectory('bench-serve')
const server = environmentValue('DESCENT_TEST_POSTGRES')
const embedded = server === undefined ? await openEmbedded(join(directory, 'store')) : null
const target = embedded?.target
const url =
  server ??
  `postgres://${target?.user}:${target?.password}@${target?.host}:${target?.port}/${target?.database}`
const store = await openStore(server ?? join(directory, 'store'))
const sql = postgres(url, { max: 1, onnotice: () => {} })
let slow = 0
try {
  console.log(`${cpus().length} cores, ${server === undefined ? 'embedded store' : 'PostgreSQL server'}`)
  const began = performance.now()
  const tasks = Math.round(perRun / rollouts)
  const ids = await fillStore(store, {
    runs,
    tasks,
    rollouts,
    calls: callsEach,
    turns: 5,
    directory: join(directory, 'texts'),
    onTrajectory: (count) => {
      if (count % 2000 === 0) console.log(`  ${count} trajectories`)
    },
  })
  await sql`analyze`
  const [size] = await sql<{ calls: number; trajectories: number; bytes: string }[]>`
    select (select count(*) from calls)::int as calls, (select count(*) from trajectories)::int as trajectories,
      pg_size_pretty(pg_database_size(current_database())) as bytes`
  const seconds = (performance.now() - began) / 1000
  console.log(
    `filled in ${seconds.toFixed(0)} s: ${size?.trajectories} trajectories, ${size?.calls} calls, ${size?.bytes}`,
  )
  const run = ids[Math.floor(ids.length / 2)] ?? ''
  const { items } = await store.findTrajectories(run, { limit: 200 })
  const app = createApp(store, { webDirectory: null, rate: { burst: 1e9, perSecond: 1e9 } })
  const pick = (round: number) => items[round % items.length]
  const where = encodeURIComponent('reward < 0.5 and turns > 3 and stop_reason = answered')
  const views: Record<string, (round: number) => string> = {
    'list of runs': () => '/v1/runs?limit=50',
    'list of trajectories': () => `/v1/runs/${run}/trajectories?limit=100`,
    'list, sorted': () => `/v1/runs/${run}/trajectories?limit=100&sort=reward&order=down`,
    'list, filtered': () => `/v1/runs/${run}/trajectories?limit=100&where=${where}`,
    'list, by group': () =>
      `/v1/runs/${run}/trajectories?limit=100&where=${encodeURIComponent('0 < group.mean < 1')}`,
    'search, a word in a run': (round) =>
      `/v1/search?text=${['warranty', 'ledger', 'KeyError'][round % 3]}&run=${run}`,
    'search, a phrase': () => `/v1/search?text=${encodeURIComponent('"verify ledger warranty"')}`,
    skeleton: (round) => `/v1/trajectories/${pick(round)?.id}`,
    group: (round) => `/v1/runs/${run}/group?task=${pick(round)?.taskId}`,
    'list of groups': () => `/v1/runs/${run}/groups?limit=100`,
    statistics: () => `/v1/runs/${run}/statistics`,
    'statistics, filtered': () => `/v1/runs/${run}/statistics?where=${where}`,
  }
  console.log('view                       p50 ms   p95 ms   scans of big tables')
  for (const [name, address] of Object.entries(views)) {
    const times: number[] = []
    const before = await scans()
    for (let round = 0; round < rounds; round++) {
      const started = performance.now()
      const response = await app.request(address(round))
      await response.arrayBuffer()
      if (response.status !== 200) throw new Error(`${name}: ${response.status} at ${address(round)}`)
      times.push(performance.now() - started)
    }
    const scanned = difference(before, await scans())
    if (scanned.length > 0) slow += 1
    const sorted = times.toSorted((a, b) => a - b)
    const at = (share: number) => (sorted[Math.floor(share * (rounds - 1))] ?? 0).toFixed(1).padStart(8)
    console.log(`${name.padEnd(24)} ${at(0.5)} ${at(0.95)}   ${scanned.join(', ') || 'none'}`)
  }
} finally {
  await sql.end()
  await store.close()
  await embedded?.anchor.end({ timeout: 1 })
  await removeDirectory(directory)
}
process.exitCode = slow > 0 ? 1 : 0

/** How often PostgreSQL has gone through each big table from end to end. */
async function scans(): Promise<Map<string, number>> {
  // The counts of other sessions arrive when these are idle for a moment.
  await new Promise((resolve) => setTimeout(resolve, 1200))
  const rows = await sql<{ name: string; scans: number }[]>`
    select relname as name, seq_scan::int as scans from pg_stat_user_tables where relname = any(${`{${bigTables.join(',')}}`})`
  return new Map(rows.map(({ name, scans: count }) => [name, count]))
}

function difference(before: Map<string, number>, after: Map<string, number>): string[] {
  return [...after].filter(([name, count]) => count > (before.get(name) ?? 0)).map(([name]) => name)
}
