// Collects from the faulty server through the CLI and compares what the store holds with what the
// server did. Used by the test and, larger, by test/bench/faults.ts.
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { descent, type CliResult, type Workplace } from './cli.ts'
import { startFaultyServer, type Fault } from './faulty-server.ts'
import type { SeenRequest } from './openai-server.ts'
import { dumpStore } from './store-dump.ts'

export interface StoredCall {
  attempts: number
  error: { code: string; message: string } | null
  response: string | null
  reasoning: string | null
  finish_reason: string | null
  raw: { noText?: string; failedAttempts?: { code: string }[] } | null
}

export interface FaultRun {
  result: CliResult
  seen: SeenRequest[]
  faults: Map<Fault, number>
  calls: StoredCall[]
  trajectories: { status: string; stop_reason: string | null; error: unknown }[]
  seconds: number
}

export async function runWithFaults(
  workplace: Workplace,
  options: { tasks: number; rollouts: number; concurrency: number; capacity: (count: number) => number },
): Promise<FaultRun> {
  const server = await startFaultyServer({ capacity: options.capacity, delayMs: 120 })
  const model = {
    provider: 'openai',
    name: 'faulty',
    baseUrl: server.baseUrl,
    maxAttempts: 2,
    startConcurrency: 64,
    timeoutSeconds: 1.5,
  }
  const file = path.join(workplace.directory, 'faults.yaml')
  const content = {
    name: 'faults',
    tasks: { taskset: 'factbook', options: { count: options.tasks, maxCharacters: 40_000, seed: 3 } },
    model: { ...model, stream: true, stallSeconds: 1 },
    subModel: model,
    rollouts: options.rollouts,
    concurrency: options.concurrency,
    limits: { maxTurns: 8, cellSeconds: 60 },
    rewards: ['auto'],
  }
  await writeFile(file, JSON.stringify(content))
  const start = performance.now()
  try {
    const result = await descent(['collect', file, '--json', '--store', workplace.store])
    const seconds = (performance.now() - start) / 1000
    const tables = await dumpStore(workplace.store)
    const faults = new Map<Fault, number>()
    for (const request of server.seen) {
      const fault = server.faultOf(request)
      if (fault) faults.set(fault, (faults.get(fault) ?? 0) + 1)
    }
    return {
      result,
      seen: server.seen,
      faults,
      calls: (tables.get('calls') ?? []) as unknown as StoredCall[],
      trajectories: (tables.get('trajectories') ?? []) as unknown as FaultRun['trajectories'],
      seconds,
    }
  } finally {
    await server.close()
  }
}

export function countBy<T>(items: readonly T[], key: (item: T) => string | null): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const item of items) {
    const name = key(item)
    if (name !== null) counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

/** The share of refused requests and the most that were open at once, in equal slices of the run. */
export function overTime(seen: readonly SeenRequest[], slices: number): { refused: number; open: number }[] {
  const size = Math.ceil(seen.length / slices)
  return Array.from({ length: slices }, (_, index) => {
    const part = seen.slice(index * size, (index + 1) * size)
    const refused = part.filter(({ reply }) => reply.status === 429).length / Math.max(1, part.length)
    return { refused, open: Math.max(0, ...part.map(({ open }) => open)) }
  })
}
