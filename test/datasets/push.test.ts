// A push, by the Hub's own client, to a local server that answers as the Hub does.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { exportDataset, type ExportOptions, pushDataset } from '../../src/datasets/index.ts'
import { makeContent } from './fixtures.ts'
import { type PushHub, startPushHub } from './hub-server.ts'
import { createMemoryStore } from './memory-store.ts'
import { temporaryDirectory } from './reading.ts'

let hub: PushHub
beforeEach(async () => {
  hub = await startPushHub()
})
afterEach(async () => await hub.close())

async function dataset(changes: Partial<ExportOptions> = {}): Promise<string> {
  const directory = changes.directory ?? join(await temporaryDirectory(), 'set')
  await exportDataset({
    store: createMemoryStore(makeContent(12, 2)),
    runIds: ['run-1'],
    recipe: ['sft-turns', 'rl-prompts'],
    maxShardBytes: 2000,
    ...changes,
    directory,
  })
  return directory
}

function options(directory: string) {
  return { directory, repo: 'some/set', token: 'hf_test', endpoint: hub.url }
}

test('a push makes a private repository with every file, and sends none of them twice', async () => {
  const directory = await dataset()
  const first = await pushDataset(options(directory))
  expect(hub.visibility).toBe('private')
  expect(first.sent.length).toBeGreaterThan(10)
  expect([...hub.files.keys()].toSorted()).toEqual(first.sent.toSorted())
  for (const [path, bytes] of hub.files) expect(bytes).toEqual(await readFile(join(directory, path)))
  // Whoever finds the manifest finds all that it names.
  expect(hub.commits.at(-1)).toContain('manifest.json')
  expect(hub.commits.slice(0, -1).flat()).not.toContain('manifest.json')
  expect(first.url).toBe(`${hub.url}/datasets/some/set`)

  const received = hub.received
  const second = await pushDataset(options(directory))
  expect(second.sent).toEqual([])
  expect(second.kept.length).toBe(first.sent.length)
  expect(hub.received).toBe(received)
})

test('one that broke off goes on where it was', async () => {
  const directory = await dataset()
  hub.breakUpload(11)
  await expect(pushDataset(options(directory))).rejects.toThrow(/broke off: .*the same command goes on/)
  expect(hub.files.has('manifest.json')).toBe(false)
  const before = hub.received
  expect(before).toBeGreaterThan(0)
  const { kept } = await pushDataset(options(directory))
  expect(kept.length).toBeGreaterThanOrEqual(8)
  let total = 0
  for (const [path, bytes] of hub.files) {
    expect(bytes).toEqual(await readFile(join(directory, path)))
    if (path.endsWith('.parquet')) total += bytes.length
  }
  // Equal files, if any, are one object: nothing was received twice.
  expect(hub.received).toBeLessThanOrEqual(total)
})

test('a new export replaces the files of the one before, and nothing of others', async () => {
  const directory = await dataset()
  await pushDataset(options(directory))
  hub.files.set('NOTES.md', Buffer.from('mine'))
  await dataset({ directory, recipe: 'kto' })
  const { removed } = await pushDataset(options(directory))
  expect(removed.length).toBeGreaterThan(10)
  expect([...hub.files.keys()].filter((path) => path.startsWith('data/sft-turns'))).toEqual([])
  expect(hub.files.has('NOTES.md')).toBe(true)
})

test('what cannot be pushed is one clear line', async () => {
  const directory = await dataset()
  await expect(pushDataset({ ...options(directory), repo: 'set' })).rejects.toThrow(/name it as owner\/name/)
  await expect(pushDataset({ ...options(directory), token: 'hf_other' })).rejects.toThrow(
    /does not let this token write to some\/set \(401\)/,
  )
  await expect(pushDataset({ ...options(directory), token: 'other' })).rejects.toThrow(/begin with hf_/)
  const empty = join(directory, '..', 'empty')
  await mkdir(empty)
  await expect(pushDataset(options(empty))).rejects.toThrow(/holds no complete export/)
  const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as {
    files: { path: string }[]
  }
  await writeFile(join(directory, manifest.files[0]?.path ?? ''), 'cut')
  await expect(pushDataset(options(directory))).rejects.toThrow(/is not the file that manifest\.json names/)
})
