// Kills a collection job again and again, and compares what it leaves with an undisturbed one: no
// answered request is made twice, no trajectory is half or double, the training set has the same content.
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import { createScriptedModel } from '../../src/models/index.ts'
import { openStore } from '../../src/store/index.ts'
import { descent } from './cli.ts'
import { startOpenAIServer, type SeenRequest } from './openai-server.ts'

export interface KillReport {
  kills: number
  trajectories: number
  done: number
  requests: number
  /** Requests that were made again although an answer to the same one had been delivered and stored. */
  paidTwice: number
  /** Requests that were made again because the kill came before their answer was stored. */
  madeAgain: number
  diverged: number
  /** Calls stored in the trees plus those given up, against the requests that were answered. */
  storedCalls: number
  sameContent: boolean
}

export async function killAgainAndAgain(options: {
  directory: string
  store: string
  tasks: number
  kills: number
  random: () => number
}): Promise<KillReport> {
  const { directory, store, random } = options
  const policy = createScriptedModel('careful')
  const server = await startOpenAIServer(async (request) => {
    const messages = request.messages as Parameters<typeof policy.complete>[0]['messages']
    const signal = new AbortController().signal
    const { text } = await policy.complete({ messages, sampling: {}, wantTokens: false, seed: 1 }, signal)
    return { text, delayMs: 15 }
  })
  const runFile = async (name: string): Promise<string> => {
    const file = path.join(directory, `${name}.yaml`)
    const run = {
      name,
      tasks: { taskset: 'factbook', options: { count: options.tasks, maxCharacters: 40_000, seed: 11 } },
      model: { provider: 'openai', name: 'test-model', baseUrl: server.baseUrl },
      concurrency: 16,
      limits: { maxTurns: 10 },
      rewards: ['auto'],
    }
    await writeFile(file, JSON.stringify(run))
    return file
  }
  const collect = async (file: string, killAfter: number | null) => {
    const from = server.seen.length
    return await descent(['collect', file, '--json', '--plain', '--store', store], {
      started(child) {
        if (killAfter === null) return
        const watch = setInterval(() => {
          if (server.seen.length - from >= killAfter || child.exitCode !== null) {
            clearInterval(watch)
            child.kill('SIGKILL')
          }
        }, 2)
      },
    })
  }
  try {
    const calm = JSON.parse((await collect(await runFile('calm'), null)).stdout) as { runId: string }
    const calmRequests = server.seen.length
    server.seen.length = 0

    const file = await runFile('killed')
    let kills = 0
    let last = ''
    while (last === '') {
      const share = calmRequests / (options.kills + 1)
      const result = await collect(
        file,
        kills < options.kills ? Math.max(1, Math.round(share * 2 * random())) : null,
      )
      if (result.code === null) kills += 1
      else last = result.stdout
    }
    const killed = JSON.parse(last) as { runId: string; trajectories: number; done: number }
    const opened = await openStore(store)
    const stored = await storedCalls(opened, killed.runId)
    await opened.close()
    const repeated = [...Map.groupBy(server.seen, key).values()].filter((list) => list.length > 1)
    const report = {
      kills,
      trajectories: killed.trajectories,
      done: killed.done,
      requests: server.seen.length,
      // Only the last one of equal requests may be the stored one: had an earlier one been stored, the
      // later ones would have been paid twice.
      paidTwice: repeated.filter((list) => list.slice(0, -1).some((one) => stored.requestIds.has(one.id)))
        .length,
      madeAgain: repeated.length,
      diverged: stored.diverged,
      storedCalls: stored.count,
      sameContent:
        (await trainingSet(store, directory, calm.runId)) ===
        (await trainingSet(store, directory, killed.runId)),
    }
    return report
  } finally {
    await server.close()
  }
}

function key(request: SeenRequest): string {
  return JSON.stringify(request.body.messages)
}

async function storedCalls(store: Awaited<ReturnType<typeof openStore>>, runId: string) {
  const requestIds = new Set<string | null>()
  let count = 0
  let diverged = 0
  let cursor: string | null = null
  do {
    const page = await store.listTrajectories(runId, { limit: 200, cursor })
    for (const row of page.items) {
      const tree = await store.readTrajectory(row.id)
      if (tree.divergence) diverged += 1
      const turns = tree.invocations.flatMap((invocation) => invocation.turns)
      const calls = turns.flatMap((turn) => [turn.call, ...turn.cells.flatMap((cell) => cell.calls)])
      for (const call of calls) requestIds.add(call.requestId)
      count += calls.length + tree.lostCalls.length
      if (tree.usage.calls !== calls.length + tree.lostCalls.length)
        throw new Error(`${tree.id}: ${tree.usage.calls} calls counted, ${calls.length} stored`)
    }
    cursor = page.next
  } while (cursor)
  return { requestIds, count, diverged }
}

/** The training set of a run as text, without what names the run or the time. */
async function trainingSet(store: string, directory: string, runId: string): Promise<string> {
  const out = path.join(directory, `set-${runId}`)
  const exported = await descent([
    'export',
    'sft-turns',
    '--run',
    runId,
    '--out',
    out,
    '--eval-fraction',
    '0',
    '--json',
    '--store',
    store,
  ])
  const { files } = JSON.parse(exported.stdout) as { files: { path: string }[] }
  const rows: unknown[] = []
  for (const file of files) {
    const bytes = await readFile(path.join(out, file.path))
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
    const compressors = { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) }
    rows.push(...(await parquetReadObjects({ file: buffer, compressors })))
  }
  return JSON.stringify(rows, (name, value: unknown) =>
    /^(run_id|trajectory_id|invocation_id)$/.test(name)
      ? undefined
      : typeof value === 'bigint'
        ? Number(value)
        : value,
  )
}
