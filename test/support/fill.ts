// Fills a store with runs that look like collected ones, through the store's own writing functions: the same
// seed makes the same texts, numbers and shapes. Ids and times are those of the moment.
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { hashOf } from '../../src/hash.ts'
import type { JournalEntry, NewTask, PlannedTrajectory, Store } from '../../src/store/index.ts'
import type { StopReason } from '../../src/trajectory.ts'
import * as make from '../store/fixtures.ts'

export interface FillOptions {
  runs: number
  tasks: number
  rollouts: number
  /** Sub-calls of a trajectory, on average. */
  calls: number
  /** Root turns of a trajectory, on average. */
  turns?: number
  seed?: number
  directory: string
  onTrajectory?: (count: number) => void
}

const names = ['refunds-qwen3-coder', 'oolong-trec', 'needle-1m', 'browsecomp-plus', 'factbook-pairs']
const nouns =
  'invoice refund order parcel customer ledger region total balance account shipment warranty'.split(' ')
const verbs = 'filter count extract compare merge verify summarize locate classify split'.split(' ')

/** Numbers of [0, 1) from a seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const hashNumber = (text: string): number => createHash('sha256').update(text).digest().readUInt32LE()

interface Random {
  (): number
}

const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
const around = (random: Random, mean: number): number =>
  Math.max(1, Math.round(mean * (0.4 + 1.2 * random())))

function sentence(random: Random, words: number): string {
  return Array.from({ length: words }, () => pick(random, random() < 0.3 ? verbs : nouns)).join(' ')
}

/** The ids of the runs, in the order in which they were made. */
export async function fillStore(store: Store, options: FillOptions): Promise<string[]> {
  const random = randomFrom(options.seed ?? 7)
  await mkdir(options.directory, { recursive: true })
  const ids: string[] = []
  let count = 0
  for (let at = 0; at < options.runs; at++) {
    const name = `${names[at % names.length]}-${at + 1}`
    const run = make.aRun({
      name,
      model: pick(random, ['Qwen/Qwen3-Coder-30B', 'Qwen/Qwen3-8B']),
      rollouts: options.rollouts,
      scripted: false,
      tags: [pick(random, ['march', 'april', 'ablation'])],
    })
    await store.createRun(run)
    await store.addTasks(run.id, tasksOf(name, options), options.rollouts, at)
    const planned = await store.pendingTrajectories(run.id)
    await store.updateRun(run.id, { status: 'running', startedAt: make.now() })
    for (let from = 0; from < planned.length; from += 32) {
      const batch = planned.slice(from, from + 32)
      await Promise.all(
        batch.map((one) => {
          // Of its own: what else is written at the same time changes nothing.
          const numbers = randomFrom(hashNumber(`${options.seed ?? 7} ${name} ${one.taskId} ${one.rollout}`))
          return fillTrajectory(store, run.id, one, options, numbers)
        }),
      )
      count += batch.length
      options.onTrajectory?.(count)
    }
    await store.updateRun(run.id, { status: 'done', endedAt: make.now() })
    ids.push(run.id)
  }
  return ids
}

async function* tasksOf(name: string, options: FillOptions): AsyncGenerator<NewTask> {
  for (let at = 0; at < options.tasks; at++) {
    const id = `${name.split('-')[0]}-${String(at).padStart(4, '0')}`
    const text = `Task ${id}. ${sentence(randomFrom(at), 40)}`
    const file = path.join(options.directory, `${hashOf(text).slice(0, 12)}.txt`)
    await writeFile(file, text)
    yield {
      id,
      hash: hashOf({ name, id }),
      prompt: `How many ${pick(randomFrom(at + 1), nouns)} records does the context of ${id} hold?`,
      context: {
        file,
        hash: createHash('sha256').update(text).digest(),
        format: 'text',
        type: 'str',
        characters: text.length,
        bytes: text.length,
      },
      answer: String(at * 17),
      metadata: { number: at },
    }
  }
}

const endings: StopReason[] = [
  'answered',
  'answered',
  'answered',
  'answered',
  'max_turns',
  'max_tokens',
  'no_code',
]

async function fillTrajectory(
  store: Store,
  runId: string,
  planned: PlannedTrajectory,
  options: FillOptions,
  random: Random,
): Promise<void> {
  const place = { runId, trajectoryId: planned.id }
  await store.beginTrajectory(planned.id, make.now())
  const failed = random() < 0.03
  const entries: JournalEntry[] = []
  const invocation = make.anInvocation(place)
  entries.push({ table: 'invocations', row: invocation })
  const turns = around(random, options.turns ?? 4)
  const callsEach = Math.max(0, Math.round(around(random, options.calls) / turns))
  const totals = { calls: 0, cells: 0, failedCells: 0, input: 0, output: 0, cost: 0 }
  let message = 0
  const say = (role: string, content: string) =>
    entries.push({
      table: 'messages',
      row: make.aMessage(place, invocation.id, { index: message++, role, content }),
    })
  say('system', 'You answer a question over a long context that only your Python REPL sees.')
  say('user', `Answer the question of ${planned.taskId}.`)
  for (let turn = 0; turn < turns; turn++) {
    const topic = sentence(random, 3)
    const code = `chunks = context.split("\\n\\n")\n# ${topic}\nfound = [chunk for chunk in chunks if "${pick(random, nouns)}" in chunk]\nanswers = llm_query_batched([f"${sentence(random, 6)}: {chunk}" for chunk in found])\nprint(len(found), answers[:2])`
    const response = `I ${sentence(random, 8)}.\n\n\`\`\`repl\n${code}\n\`\`\``
    const call = make.aCall(
      place,
      invocation.id,
      callNumbers(random, { response, provider: 'openai', scripted: false }),
    )
    const row = make.aTurn(place, invocation.id, call.id, { index: turn, promptMessages: message })
    const broken = random() < 0.1
    const stdout = broken ? '' : `${Math.floor(random() * 900)} ['${sentence(random, 10)}']\n`
    const cell = make.aCell(place, invocation.id, row.id, {
      code,
      stdout,
      stdoutCharacters: stdout.length,
      durationMs: 20 + random() * 400,
      computeMs: 10 + random() * 80,
      error: broken
        ? {
            type: 'KeyError',
            message: `'${pick(random, nouns)}'`,
            traceback: `Traceback…\nKeyError: ${topic}`,
          }
        : null,
      variables: [{ name: 'chunks', type: 'list', basic: true }],
    })
    const subCalls = Array.from({ length: callsEach }, (_, order) =>
      make.aCall(
        place,
        invocation.id,
        callNumbers(random, {
          kind: 'llm',
          cellId: cell.id,
          order,
          depth: 1,
          model: 'Qwen/Qwen3-8B',
          provider: 'openai',
          scripted: false,
          prompt: `${sentence(random, 6)}: ${sentence(random, 40)}`,
          response: sentence(random, 12),
        }),
      ),
    )
    entries.push({ table: 'calls', row: call }, { table: 'turns', row })
    for (const subCall of subCalls) entries.push({ table: 'calls', row: subCall })
    entries.push({ table: 'cells', row: cell })
    say('assistant', response)
    say('user', `REPL output:\n${stdout}`)
    for (const one of [call, ...subCalls]) {
      totals.input += one.inputTokens ?? 0
      totals.output += one.outputTokens ?? 0
      totals.cost += one.costUsd ?? 0
    }
    totals.calls += 1 + subCalls.length
    totals.cells += 1
    if (broken) totals.failedCells += 1
  }
  await store.append(entries)
  const stopReason = failed ? 'model_error' : pick(random, endings)
  const right = stopReason === 'answered' && random() < 0.6
  const answer =
    stopReason === 'answered' ? `${Math.floor(random() * 900)} ${pick(random, nouns)} records` : null
  await store.endInvocation(invocation.id, { stopReason, answer, endedAt: make.now() })
  await store.endTrajectory(
    planned.id,
    make.anEnd({
      status: failed ? 'failed' : 'done',
      stopReason,
      answer,
      error: failed
        ? { boundary: 'model', code: pick(random, ['rate_limit', 'timeout']), message: 'the server is busy' }
        : null,
      turns,
      cells: totals.cells,
      calls: totals.calls,
      failedCells: totals.failedCells,
      inputTokens: totals.input,
      outputTokens: totals.output,
      costUsd: totals.cost,
    }),
    new Date(Date.now() + Math.floor(random() * 60_000)).toISOString(),
  )
  if (failed) return
  const value = right ? 1 : stopReason === 'answered' ? Math.round(random() * 10) / 20 : 0
  await store.addScores([
    make.aScore(place, { value }),
    make.aScore(place, { reward: 'efficiency', weight: 0.1, value: Math.round(random() * 100) / 100 }),
  ])
}

function callNumbers(
  random: Random,
  change: Parameters<typeof make.aCall>[2],
): Parameters<typeof make.aCall>[2] {
  return {
    inputTokens: 200 + Math.floor(random() * 3000),
    outputTokens: 20 + Math.floor(random() * 400),
    latencyMs: 100 + random() * 4000,
    costUsd: 0.0001 + random() * 0.002,
    ...change,
  }
}
