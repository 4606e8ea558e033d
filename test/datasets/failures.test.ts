// Disks that are full or closed, and the compiled package: each in a process of its own.
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { exportDataset } from '../../src/datasets/index.ts'
import { makeContent } from './fixtures.ts'
import { createMemoryStore } from './memory-store.ts'
import { temporaryDirectory } from './reading.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const program = join(import.meta.dirname, 'export-program.ts')

/** A file system of 1 MB at `place`, in a mount namespace that ends with the command. */
async function canMount(place: string): Promise<boolean> {
  return run('unshare', ['-rm', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', place]).then(
    () => true,
    () => false,
  )
}

test('a full disk is one line, leaves nothing half written and the earlier export whole', async (context) => {
  const place = await temporaryDirectory()
  context.skip(!(await canMount(place)), 'this system lets no user mount a tmpfs')
  const script = `mount -t tmpfs -o size=1m tmpfs "$1"
    "$2" "$3" "$1/set" 3 100; cp "$1/set/manifest.json" "$1/before"
    "$2" "$3" "$1/set" 400 20000
    cmp "$1/before" "$1/set/manifest.json" && ls -A "$1/set" "$1/set/data"`
  const { stdout } = await run('unshare', ['-rm', 'sh', '-c', script, 'sh', place, process.execPath, program])
  const [first, second, ...left] = stdout.trim().split('\n')
  expect(first).toBe('ok 3')
  expect(second).toMatch(
    /^UsageError disk_full No space left for the dataset in .*\/set: nothing was exported/,
  )
  expect(left.join(' ')).toMatch(
    /set: README\.md card data manifest\.json .*data: train-00000-of-00001\.parquet$/,
  )
})

test('a limit on the size of files is reported in the same way', async () => {
  const place = await temporaryDirectory()
  const script = 'ulimit -f 200; exec "$0" "$1" "$2/set" 400 20000'
  const { stdout } = await run('bash', ['-c', script, process.execPath, program, place])
  expect(stdout).toMatch(/^UsageError disk_full /)
  expect(await readdir(place)).toEqual([])
})

test('a writer that cannot open its file says so and does not hang', async () => {
  const place = await temporaryDirectory()
  await mkdir(join(place, 'data'))
  await writeFile(join(place, 'manifest.json'), '{"kind": "descent-dataset", "files": []}')
  const store = createMemoryStore(makeContent(3, 1))
  const readTrajectory = store.readTrajectory.bind(store)
  store.readTrajectory = async (id) => {
    // The directory goes away under the export, before its first file is begun.
    await rm(join(place, 'data'), { recursive: true, force: true })
    return await readTrajectory(id)
  }
  await expect(
    exportDataset({ store, runIds: ['run-1'], recipe: 'sft-turns', directory: place, evalFraction: 0 }),
  ).rejects.toThrow(/Writing .* failed/)
})

test('compiled to JavaScript it finds its worker', async () => {
  const place = await temporaryDirectory()
  await writeFile(join(place, 'package.json'), '{"type": "module", "version": "9.8.7"}')
  await symlink(join(root, 'node_modules'), join(place, 'node_modules'))
  const settings = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      outDir: join(place, 'dist'),
      rootDir: root,
      types: ['node'],
      noCheck: true,
    },
    files: [program, join(root, 'src/datasets/parquet-worker.ts')],
    include: [],
  }
  await writeFile(join(place, 'tsconfig.json'), JSON.stringify(settings))
  await run(join(root, 'node_modules/.bin/tsc'), ['-p', join(place, 'tsconfig.json')])
  const compiled = join(place, 'dist/test/datasets/export-program.js')
  const { stdout } = await run(process.execPath, [compiled, join(place, 'set'), '5', '100'])
  expect(stdout.trim()).toBe('ok 5')
  const manifest = await readFile(join(place, 'set/manifest.json'), 'utf8')
  expect(JSON.parse(manifest)).toMatchObject({ codeVersion: '9.8.7', rows: 5 })
})

test('memory does not grow with the export', async () => {
  const place = await temporaryDirectory()
  const peaks: number[] = []
  // The smaller one is large enough for all that is held at once to be there.
  for (const tasks of [1000, 4000]) {
    const { stdout } = await run(process.execPath, [
      program,
      join(place, String(tasks)),
      String(tasks),
      '200000',
      '--peak',
    ])
    expect(stdout).toContain(`ok ${tasks}`)
    peaks.push(Number(/peak (\d+)/.exec(stdout)?.[1]))
  }
  // 600 MB more text, of which nothing is kept; how far the garbage piles up differs from time to time.
  expect((peaks[1] ?? Infinity) - (peaks[0] ?? 0)).toBeLessThan(400)
})
