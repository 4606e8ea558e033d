// Values at the edge of what a file can hold, through the newer recipes: back by DuckDB and hyparquet.
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, test } from 'vitest'
import { exportDataset, recipes } from '../../src/datasets/index.ts'
import type { Trajectory } from '../../src/trajectory.ts'
import { makeCell, makeContent, makeTrajectory, makeTurns } from './fixtures.ts'
import { createMemoryStore } from './memory-store.ts'
import { readRows, temporaryDirectory } from './reading.ts'
import { withEngineTokens } from './token-fixtures.ts'

async function exported(recipe: string, trajectories: Trajectory[]): Promise<string> {
  const directory = join(await temporaryDirectory(), 'set')
  const tokens = withEngineTokens(trajectories)
  const store = createMemoryStore({ ...makeContent(1, 0), trajectories, tokens })
  await exportDataset({ store, runIds: ['run-1'], recipe, directory, evalFraction: 0 })
  return join(directory, 'data/train-00000-of-00001.parquet')
}

async function query(sql: string): Promise<unknown[]> {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  const rows = (await connection.runAndReadAll(sql)).getRowObjects()
  connection.closeSync()
  instance.closeSync()
  return rows
}

test('a text of 60 MB comes back whole', async () => {
  const stdout = 'é😀 0123456789 '.repeat(3_200_000)
  const cells = [makeCell({ stdout }), makeCell({ id: 'second', index: 1, stdout: '' })]
  const one = makeTrajectory('run-1', 'task-0', 0, { turns: makeTurns('q', ['a'], cells) })
  const path = await exported('cells', [one])
  expect(Buffer.byteLength(stdout)).toBeGreaterThan(57_000_000)
  expect(
    await query(`select strlen(stdout)::double as bytes, md5(stdout) = md5(repeat('é😀 0123456789 ', 3200000)) as same
      from '${path}' order by bytes desc`),
  ).toEqual([
    { bytes: Buffer.byteLength(stdout), same: true },
    { bytes: 0, same: false },
  ])
})

test('numbers beyond 2^53 are exact, NaN is NaN, nothing is null that was empty', async () => {
  const one = makeTrajectory('run-1', 'task-0', 0, {
    reward: Number.NaN,
    usage: { inputTokens: 2 ** 53 - 1, outputTokens: 2, calls: 1, costUsd: null },
    turns: makeTurns('q', ['', '😀'], []),
  })
  const transcripts = await exported('scout', [one])
  expect(await query(`select total_tokens::varchar as total, answer from '${transcripts}'`)).toEqual([
    { total: '9007199254740993', answer: 'task-0' },
  ])
  const [row] = await readRows(await exported('rl-rollouts', [one]))
  expect(row?.['reward']).toBeNaN()
  expect(row?.['policy_versions']).toEqual([])
  expect(row?.['policy_version'] ?? null).toBeNull()
  expect(row?.['temperatures'] ?? null).toBeNull()
  // An empty response still has the token that ends it.
  expect(row?.['trained_tokens']).toBe(3)
})

test.each(recipes.map(({ name }) => name))(
  '%s: an empty selection is one clear line and no file',
  async (recipe) => {
    const directory = join(await temporaryDirectory(), 'set')
    const attempt = exportDataset({
      store: createMemoryStore(makeContent(1, 1)),
      runIds: ['run-1'],
      recipe,
      where: 'reward > 5',
      directory,
    })
    await expect(attempt).rejects.toThrow(
      /^Nothing to export\. Trajectories: in the runs 1, .*Loosen the selection/,
    )
    expect(await readRows(directory).catch(() => 'nothing')).toBe('nothing')
  },
)
