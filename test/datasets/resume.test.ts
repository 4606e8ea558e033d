// An export that stops half way: killed, out of a connection, aborted, or while files take their names.
// The same call completes it, and what it makes is what an undisturbed one makes.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { exportDataset, type ExportOptions } from '../../src/datasets/index.ts'
import { sha256Hex } from '../../src/hash.ts'
import { seededRandom } from '../../src/tasks/random.ts'
import { makeContent } from './fixtures.ts'
import { createMemoryStore } from './memory-store.ts'
import { temporaryDirectory } from './reading.ts'

const program = join(import.meta.dirname, 'resume-program.ts')

/** Every file with its hash; the manifest without what differs between any two exports. */
async function contentOf(directory: string): Promise<Record<string, string>> {
  const content: Record<string, string> = {}
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const bytes = await readFile(path)
    const text = entry.name === 'manifest.json' ? withoutIdentity(bytes.toString()) : bytes
    content[path.slice(directory.length + 1)] = sha256Hex(text)
  }
  return content
}

function withoutIdentity(manifest: string): string {
  const { datasetId: _id, createdAt: _at, ...rest } = JSON.parse(manifest) as Record<string, unknown>
  return JSON.stringify(rest)
}

function optionsOf(directory: string, changes: Partial<ExportOptions> = {}): ExportOptions {
  return {
    store: createMemoryStore(makeContent(20, 2)),
    runIds: ['run-1'],
    recipe: ['sft-turns', 'rl-prompts'],
    directory,
    maxShardBytes: 2500,
    ...changes,
  }
}

/** An export whose store fails at the n-th trajectory. */
function failingAt(directory: string, read: number): ExportOptions {
  const options = optionsOf(directory)
  const readTrajectory = options.store.readTrajectory.bind(options.store)
  let reads = 0
  options.store.readTrajectory = (id) => {
    reads += 1
    return reads === read ? Promise.reject(new Error('connection lost')) : readTrajectory(id)
  }
  return options
}

test('killed at random moments it is completed by the same command, with the same result', async () => {
  const place = await temporaryDirectory()
  const reference = join(place, 'reference')
  expect(await run(reference, null)).toContain('ok 780')
  const expected = await contentOf(reference)
  expect(Object.keys(expected).length).toBeGreaterThan(40)
  const random = seededRandom('kills', 1)
  const directory = join(place, 'killed')
  let kills = 0
  let takenUp = 0
  for (let output = ''; !output.includes('ok');) {
    // After some more files, and at any moment of the one that is being written then.
    const files = kills < 6 ? (await filesSoFar(directory)) + 1 + Math.floor(random.next() * 8) : null
    output = await run(directory, files, random.next() * 30)
    if (output.includes('taking up')) takenUp += 1
    if (!output.includes('ok')) kills += 1
    const names = await readdir(directory, { recursive: true }).catch(() => [])
    // Whatever stands under a final name is whole, at any moment.
    for (const name of names.filter((one) => expected[one] !== undefined && one.endsWith('.parquet'))) {
      expect(sha256Hex(await readFile(join(directory, name)))).toBe(expected[name])
    }
  }
  expect(await contentOf(directory)).toEqual(expected)
  expect(kills).toBeGreaterThan(2)
  expect(takenUp).toBe(kills)
}, 180_000)

/** Whole files that a killed export has noted. */
async function filesSoFar(directory: string): Promise<number> {
  const text = await readFile(join(directory, 'export.checkpoint.partial'), 'utf8').catch(() => '')
  return text.split('\n').filter((line) => line.startsWith('{"kind":"shard"')).length
}

/** What the program printed until it ended, or was killed so many milliseconds after it had so many files. */
async function run(directory: string, files: number | null, milliseconds = 0): Promise<string> {
  const child = spawn(process.execPath, [program, directory], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const closed = once(child, 'close').then(() => true)
  const wanted = files ?? 0
  while ((await filesSoFar(directory)) < wanted) {
    if (await Promise.race([closed, sleep(5, false)])) return output
  }
  if (files !== null) {
    await sleep(milliseconds)
    child.kill('SIGKILL')
  }
  await closed
  return output
}

test('goes on after its last whole file, whatever trajectory it failed at', async () => {
  const place = await temporaryDirectory()
  await exportDataset(optionsOf(join(place, 'reference')))
  const expected = await contentOf(join(place, 'reference'))
  // The most trajectories read again: those of the file that was being written, and for each of two recipes.
  for (const [read, most] of [
    [5, 40],
    [23, 27],
    [33, 17],
    [40, 10],
  ] as const) {
    const directory = join(place, `failed-${read}`)
    await expect(exportDataset(failingAt(directory, read))).rejects.toThrow('connection lost')
    const left: string[] = await readdir(directory).catch(() => [])
    expect(left.includes('manifest.json')).toBe(false)
    const again = optionsOf(directory)
    const { datasetId } = await exportDataset(again)
    expect(await contentOf(directory)).toEqual(expected)
    // What lies in whole files is not read again.
    const { reads } = again.store as ReturnType<typeof createMemoryStore>
    expect(reads.length).toBeLessThanOrEqual(most)
    expect(again.store).toMatchObject({ datasets: [{ id: datasetId }] })
  }
})

test('stopped while it was recorded, all files have their names and the record is made up for', async () => {
  const directory = join(await temporaryDirectory(), 'set')
  const failing = optionsOf(directory)
  failing.store.addDataset = () => Promise.reject(new Error('connection lost'))
  await expect(exportDataset(failing)).rejects.toThrow('connection lost')
  const before = await contentOf(directory)
  const again = optionsOf(directory)
  await exportDataset(again)
  const { datasets } = again.store as ReturnType<typeof createMemoryStore>
  expect(datasets).toHaveLength(1)
  expect(JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8'))).toMatchObject({
    datasetId: datasets[0]?.id,
  })
  const left = Object.keys(before).filter((name) => name.endsWith('.partial'))
  expect(left.length).toBeGreaterThan(0)
  expect(Object.keys(await contentOf(directory)).filter((name) => name.endsWith('.partial'))).toEqual([])
})

test('another export does not take up what is not its own, and leaves none of it', async () => {
  const directory = join(await temporaryDirectory(), 'set')
  await expect(exportDataset(failingAt(directory, 23))).rejects.toThrow('connection lost')
  expect((await readdir(directory, { recursive: true })).length).toBeGreaterThan(4)
  const notices: string[] = []
  await exportDataset(optionsOf(directory, { recipe: 'kto', onNotice: (text) => notices.push(text) }))
  expect(notices).toEqual([])
  const names = await readdir(directory, { recursive: true })
  expect(names.filter((name) => name.includes('partial') || name.includes('sft-turns'))).toEqual([])
})

test('two exports to one directory at a time are refused', async () => {
  const directory = join(await temporaryDirectory(), 'set')
  const first = optionsOf(directory)
  const readTrajectory = first.store.readTrajectory.bind(first.store)
  const outcomes: string[] = []
  first.store.readTrajectory = async (id) => {
    if (outcomes.length === 0)
      outcomes.push(await exportDataset(optionsOf(directory)).then(() => 'written', String))
    return await readTrajectory(id)
  }
  await exportDataset(first)
  expect(outcomes[0]).toMatch(/Another process is exporting to .*set/)
})

test('a torn checkpoint counts as far as it is whole', async () => {
  const directory = join(await temporaryDirectory(), 'set')
  await exportDataset(optionsOf(join(directory, '..', 'reference')))
  await expect(exportDataset(failingAt(directory, 30))).rejects.toThrow('connection lost')
  const path = join(directory, 'export.checkpoint.partial')
  const text = await readFile(path, 'utf8')
  await writeFile(path, text.slice(0, text.length - 40))
  await exportDataset(optionsOf(directory))
  expect(await contentOf(directory)).toEqual(await contentOf(join(directory, '..', 'reference')))
})
