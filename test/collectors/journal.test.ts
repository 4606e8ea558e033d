// What a trajectory takes in the store.
import path from 'node:path'
import { expect, it } from 'vitest'
import { newRun } from '../../api/compose.ts'
import { planRun, runJob } from '../../collectors/job.ts'
import { createProtocol } from '../../collectors/protocols/index.ts'
import { createTableModel } from '../../src/models/index.ts'
import { runFileSchema } from '../../src/run-file.ts'
import { openEmbedded } from '../../src/store/embedded.ts'
import { roll, useWorkbench } from '../support/rollouts.ts'

const bench = useWorkbench('journal')

it('grows with the number of turns, not with its square', async () => {
  const turn = '```repl\nprint("x" * 3000)\n```'
  const last = '```repl\nanswer["content"] = "done"\nanswer["ready"] = True\n```'
  const sizes: number[] = []
  for (const turns of [10, 20, 40]) {
    const responses = [...Array.from({ length: turns - 1 }, () => turn), last]
    const trajectory = await roll(bench, responses, { limits: { maxTurns: 50 } })
    expect(trajectory.invocations[0]?.turns).toHaveLength(turns)
    sizes.push(JSON.stringify(await bench.store.readJournal(trajectory.id)).length)
  }
  const [ten = 0, twenty = 0, forty = 0] = sizes
  expect(twenty / ten).toBeLessThan(2.1)
  expect(forty / twenty).toBeLessThan(2.1)
})

it('holds a context of 50 MB once, however many rollouts use it', async () => {
  const config = runFileSchema.parse({
    name: 'large',
    tasks: 'none',
    model: { provider: 'scripted', name: 'table' },
    rollouts: 16,
    concurrency: 4,
  })
  const protocol = createProtocol(config.protocol)
  const policy = createTableModel(['```repl\nanswer["content"] = len(context)\nanswer["ready"] = True\n```'])
  const models = { policy, sub: policy, child: policy, named: new Map() }
  // Text that compresses badly, so that two copies would show.
  const text = Array.from({ length: 1_250_000 }, (_, index) =>
    ((index * 2_654_435_761) % 2 ** 32).toString(36).padStart(7, '0'),
  )
    .join('')
    .repeat(6)
    .slice(0, 50_000_000)
  const taskset = {
    name: 'one',
    async *tasks() {
      yield {
        id: 'one',
        prompt: 'How long?',
        context: { kind: 'text' as const, text },
        answer: null,
        metadata: {},
      }
    },
  }
  const run = newRun({ config, configHash: 'large', protocol, models, rewards: [], taskset, scripted: true })
  await bench.store.createRun(run)
  const job = {
    store: bench.store,
    runId: run.id,
    config,
    signal: new AbortController().signal,
    emit: () => {},
  }
  await planRun({ ...job, taskset })
  const summary = await runJob({ ...job, protocol, sandbox: bench.sandbox, models, score: null })
  expect(summary).toMatchObject({ done: 16, failed: 0 })
  const rows = (await bench.store.listTrajectories(run.id, { limit: 16 })).items
  expect(new Set(rows.map((row) => row.answer))).toEqual(new Set(['50000000']))
  const { anchor } = await openEmbedded(path.join(bench.directory, 'store'))
  const [bytes] = await anchor`select sum(octet_length(data))::float8 as size from blobs`
  await anchor.end()
  expect(bytes?.size).toBeLessThan(50_000_000)
}, 120_000)
