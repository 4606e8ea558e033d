// How fast the API answers over a large store: `node test/bench/serve.ts [TRAJECTORIES] [CALLS EACH]
// [--store PLACE]`. The store is filled through the real writer (seeded), half of it as one run, the rest as
// runs of 500; on the embedded server, or on the one that DESCENT_TEST_POSTGRES names (`node
// scripts/with-postgres.ts node test/bench/serve.ts`), or at PLACE, where it stays and is used again. Prints
// p50 and p95 of each view over the HTTP door, for the large run, and the scans in the plans of its queries;
// exits 1 when one of them goes through a whole big table.
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { createApp } from '../../api/http/app.ts'
import { environmentValue } from '../../src/env.ts'
import { openEmbedded } from '../../src/store/embedded.ts'
import { isServerUrl, openStore } from '../../src/store/index.ts'
import { fillStore } from '../support/fill.ts'
import { removeDirectory, temporaryDirectory } from '../support/directory.ts'

const { values: flags, positionals } = parseArgs({
  options: { store: { type: 'string' } },
  allowPositionals: true,
})
const wanted = Number(positionals[0] ?? 5000)
const callsEach = Number(positionals[1] ?? 30)
const rollouts = 4
const rounds = 60
const bigTables = ['trajectories', 'cells', 'calls', 'turns', 'messages', 'scores', 'search_texts', 'blobs']

const directory = await temporaryDirectory('bench-serve')
const place = flags.store ?? environmentValue('DESCENT_TEST_POSTGRES') ?? join(directory, 'store')
const embedded = isServerUrl(place) ? null : await openEmbedded(place)
const target = embedded?.target
const url = target
  ? `postgres://${target.user}:${target.password}@${target.host}:${target.port}/${target.database}`
  : place
const store = await openStore(place)
const sql = postgres(url, { max: 1, onnotice: () => {} })
let slow = 0
try {
  console.log(`${cpus().length} cores, ${embedded ? 'embedded store' : 'PostgreSQL server'}`)
  await fill()
  const { run, summary } = await measure()
  console.log(summary)
  const { items } = await store.findTrajectories(run, { limit: 200 })
  const app = createApp(store, { webDirectory: null, rate: { burst: 1e9, perSecond: 1e9 } })
  const pick = (round: number) => items[round % items.length]
  const where = encodeURIComponent('reward < 0.5 and turns > 3 and stop_reason = answered')
  const views: Record<string, (round: number) => string> = {
    'list of runs': () => '/v1/runs?limit=50',
    'list of trajectories': () => `/v1/runs/${run}/trajectories?limit=100`,
    'list, sorted': () => `/v1/runs/${run}/trajectories?limit=100&sort=reward&order=down`,
    'list, sorted by tokens': () => `/v1/runs/${run}/trajectories?limit=100&sort=tokens&order=down`,
    'list, a rare match': () =>
      `/v1/runs/${run}/trajectories?limit=100&where=${encodeURIComponent('turns > 7 and reward > 0.9 and cost > 0.2')}`,
    'list, by one score': () =>
      `/v1/runs/${run}/trajectories?limit=100&where=${encodeURIComponent('score.efficiency > 0.99 and stop_reason = max_turns')}`,
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

async function fill(): Promise<void> {
  if ((await store.listRuns({ limit: 1 })).items.length > 0) return
  const began = performance.now()
  const seconds = () => ((performance.now() - began) / 1000).toFixed(0)
  const large = Math.max(rollouts, Math.round(wanted / 2))
  const shape = { rollouts, calls: callsEach, turns: 5, directory: join(directory, 'texts') }
  const onTrajectory = (count: number) => {
    if (count % 2000 === 0) console.log(`  ${count} trajectories, ${seconds()} s`)
  }
  await fillStore(store, { ...shape, runs: 1, tasks: Math.round(large / rollouts), onTrajectory })
  const runs = Math.round((wanted - large) / 500)
  await fillStore(store, { ...shape, seed: 8, runs, tasks: 125, onTrajectory })
  console.log(`filled in ${seconds()} s`)
  const before = performance.now()
  while ((await store.indexForSearch({ milliseconds: 60_000 })) > 0);
  console.log(`indexed for search in ${((performance.now() - before) / 1000).toFixed(0)} s`)
  await sql`vacuum analyze`
}

async function measure(): Promise<{ run: string; summary: string }> {
  const [size] = await sql<{ calls: number; trajectories: number; bytes: string }[]>`
    select (select count(*) from calls)::int as calls, (select count(*) from trajectories)::int as trajectories,
      pg_size_pretty(pg_database_size(current_database())) as bytes`
  const [large] = await sql<{ id: string; count: number }[]>`
    select run_id as id, count(*)::int as count from trajectories group by run_id order by 2 desc limit 1`
  const summary =
    `${size?.trajectories} trajectories, ${size?.calls} calls, ${size?.bytes}; ` +
    `the run looked at has ${large?.count}`
  return { run: large?.id ?? '', summary }
}

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
