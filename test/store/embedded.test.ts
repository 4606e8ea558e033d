// The embedded server among real processes that are started together and killed.
import { execFileSync } from 'node:child_process'
import {
  chmod,
  cp,
  lstat,
  mkdir,
  readFile,
  readlink,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { isRoot } from '../../src/reach.ts'
import { openEmbedded } from '../../src/store/embedded.ts'
import { openStore } from '../../src/store/index.ts'
import { newId } from '../../src/ids.ts'
import { removeLater } from '../support/left-over.ts'
import { temporaryDirectory } from './backends.ts'
import * as make from './fixtures.ts'
import { processesOf, startWorker, waitFor } from './processes.ts'

const servers = (data: string) => processesOf('postgres\0-D', data)
const keepers = (directory: string) => processesOf('keeper.ts', directory)

describe.runIf(process.platform === 'linux').concurrent('the embedded server', () => {
  test('five processes open a new directory at once; the server goes when they are gone', async () => {
    const directory = join(await temporaryDirectory(), 'deep/store')
    const workers = Array.from({ length: 5 }, () => startWorker(directory, 'open'))
    expect(await Promise.all(workers.map((worker) => worker.ended))).toEqual([0, 0, 0, 0, 0])
    expect(servers(directory)).toHaveLength(1)
    await waitFor(
      () => servers(directory).length === 0 && keepers(directory).length === 0,
      12_000,
      'server stopped',
    )
    const store = await openStore(directory)
    expect((await store.listRuns({ limit: 1 })).items).toEqual([])
    await store.close()
  })

  test('kill -9 of a writing process: nothing acknowledged is lost, and no server is left', async () => {
    const directory = await temporaryDirectory()
    const worker = startWorker(directory, 'write')
    await worker.until('stored')
    await sleep(700)
    worker.child.kill('SIGKILL')
    await worker.ended
    const stored = worker.said.flatMap((line) => ('stored' in line ? [String(line.stored)] : []))
    expect(stored.length).toBeGreaterThan(50)
    await waitFor(
      () => servers(directory).length === 0 && keepers(directory).length === 0,
      12_000,
      'server stopped',
    )
    const { anchor } = await openEmbedded(directory)
    const rows = await anchor<{ id: string; n: number }[]>`
      select trajectory_id as id, count(*)::int as n from cells group by 1`
    const kept = new Set(rows.map((row) => row.id))
    expect(stored.filter((id) => !kept.has(id))).toEqual([])
    const whole = await anchor`
      select from cells c where not exists (select from calls k where k.trajectory_id = c.trajectory_id)`
    expect(whole.length).toBe(0)
    await anchor.end()
  })

  test('kill -9 of the keeper: the next open gives the running server a new one', async () => {
    const directory = await temporaryDirectory()
    const holder = startWorker(directory, 'hold')
    await holder.until('opened')
    const [server] = servers(directory)
    // The keeper is known by its connection, which it makes a moment after the start.
    await sleep(2500)
    const [keeper = 0] = keepers(directory)
    process.kill(keeper, 'SIGKILL')
    await sleep(100)
    expect(servers(directory)).toEqual([server])
    const store = await openStore(directory)
    await waitFor(() => keepers(directory).some((pid) => pid !== keeper), 3000, 'new keeper')
    expect(servers(directory)).toEqual([server])
    await store.close()
    // A client that stays keeps the server up, however long the others are gone.
    await sleep(6500)
    expect(servers(directory)).toEqual([server])
    holder.child.kill('SIGKILL')
    await waitFor(
      () => servers(directory).length === 0 && keepers(directory).length === 0,
      12_000,
      'server stopped',
    )
  })

  test('kill -9 of the server: the open store brings it back and loses nothing', async () => {
    const directory = await temporaryDirectory()
    const store = await openStore(directory)
    const idle = await openStore(directory)
    const place = { runId: newId(), trajectoryId: newId() }
    await store.append(make.aTurnsEntries(place, 'before'))
    const run = make.aRun({ status: 'running' })
    await store.createRun(run)
    const lock = await store.lockRun(run.id)
    const before = servers(directory)
    for (const pid of before) process.kill(pid, 'SIGKILL')
    await Promise.all(Array.from({ length: 20 }, () => store.append(make.aTurnsEntries(place, 'after'))))
    expect((await idle.listRuns({ limit: 1 })).items).toMatchObject([{ id: run.id }])
    await sleep(500)
    // The lock came back with the server.
    expect(await idle.lockRun(run.id)).toBeNull()
    const [row] = await (
      await openEmbedded(directory)
    ).anchor<{ n: number }[]>`select count(*)::int as n from cells`
    expect(row?.n).toBe(21)
    expect(servers(directory)).toHaveLength(1)
    expect(servers(directory)).not.toEqual(before)
    await lock?.release()
    await Promise.all([store.close(), idle.close()])
  })

  test('a stale lock, a stale pid file of a zombie, and a pid of somebody else do not stop an open', async () => {
    const directory = await temporaryDirectory()
    const worker = startWorker(directory, 'open')
    expect(await worker.ended).toBe(0)
    for (const pid of [...servers(directory), ...keepers(directory)]) process.kill(pid, 'SIGKILL')
    await waitFor(() => servers(directory).length === 0, 3000, 'server killed')
    const file = join(directory, 'pg/postmaster.pid')
    const [, ...rest] = (await readFile(file, 'utf8')).split('\n')
    await writeFile(file, [process.pid, ...rest].join('\n'))
    const store = await openStore(directory)
    expect((await store.listRuns({ limit: 1 })).items).toEqual([])
    await store.close()
  })

  test('LANG unset and umask 077: the database is UTF-8 with C.UTF-8 order, the password private', async () => {
    const directory = join(await temporaryDirectory(), 'store')
    const worker = startWorker(
      directory,
      'open',
      { PATH: process.env.PATH, PGDATA: '/nowhere', PGPORT: '1' },
      '077',
    )
    expect([await worker.ended, worker.errors()]).toEqual([0, ''])
    // For root, such a directory is one that the server may not enter: its data is elsewhere.
    removeLater(await realpath(join(directory, 'pg')))
    const { anchor } = await openEmbedded(directory)
    const [row] =
      await anchor`select current_setting('server_encoding') as encoding, datlocprovider as provider,
      datlocale as locale from pg_database where datname = current_database()`
    expect(row).toEqual({ encoding: 'UTF8', provider: 'b', locale: 'C.UTF-8' })
    expect((await lstat(join(directory, 'secret'))).mode & 0o777).toBe(0o600)
    await anchor.end()
  })

  test.runIf(isRoot())(
    'as root under a directory that nobody else can enter: the data is elsewhere, and moves along',
    async () => {
      const base = await temporaryDirectory()
      await chmod(base, 0o700)
      const directory = join(base, 'store')
      const store = await openStore(directory)
      const run = make.aRun()
      await store.createRun(run)
      const data = await readlink(join(directory, 'pg'))
      await store.close()
      try {
        expect((await lstat(data)).uid).toBe(65534)
        await waitFor(() => servers(data).length === 0, 12_000, 'server stopped')
        const moved = join(base, 'moved')
        await mkdir(moved)
        for (const name of ['secret', 'pg.log'])
          await writeFile(join(moved, name), await readFile(join(directory, name)))
        await symlink(data, join(moved, 'pg'))
        await rm(directory, { recursive: true })
        const again = await openStore(moved)
        expect((await again.findRun('latest')).id).toBe(run.id)
        await again.close()
        await rm(data, { recursive: true, maxRetries: 20 })
        await waitFor(() => servers(data).length === 0, 12_000, 'server without data stopped')
        await expect(openStore(moved)).rejects.toThrow(/has lost its data .* restore it/)
      } finally {
        await rm(data, { recursive: true, force: true, maxRetries: 20 })
      }
    },
  )

  test('a store whose directory is removed leaves no server, also when its data is elsewhere', async () => {
    const directory = join(await temporaryDirectory(), 'store')
    await mkdir(directory, { mode: 0o700 })
    await chmod(dirname(directory), 0o700)
    const store = await openStore(directory)
    const data = await realpath(join(directory, 'pg'))
    removeLater(data)
    await store.close()
    await rm(directory, { recursive: true })
    await waitFor(() => servers(data).length === 0, 20_000, 'server stopped')
    await waitFor(() => keepers(directory).length === 0, 5000, 'keeper ended')
    expect(servers(data)).toEqual([])
  })

  test('a copy of a live store is a store of its own', async () => {
    const base = await realpath(await temporaryDirectory())
    const store = await openStore(join(base, 'one'))
    await store.close()
    await waitFor(() => servers(join(base, 'one')).length === 0, 12_000, 'server stopped')
    const original = await openStore(join(base, 'one'))
    await cp(join(base, 'one'), join(base, 'two'), { recursive: true, preserveTimestamps: true })
    if (isRoot()) execFileSync('chown', ['-R', '65534:65534', join(base, 'two/pg')])
    const copy = await openStore(join(base, 'two'))
    await copy.createRun(make.aRun())
    expect((await original.listRuns({ limit: 5 })).items).toEqual([])
    expect(servers(join(base, 'one'))).toHaveLength(1)
    expect(servers(join(base, 'two'))).toHaveLength(1)
    await Promise.all([original.close(), copy.close()])
  })

  test('a place that cannot be used is one clear line', async () => {
    const base = await temporaryDirectory()
    await writeFile(join(base, 'file'), 'x')
    await expect(openStore(join(base, 'file'))).rejects.toThrow(
      /store directory .*file cannot be used: .*file/,
    )
    await expect(openStore(join(base, 'file/deeper'))).rejects.toThrow(UsageError)
    await expect(openStore('/proc/nothing')).rejects.toThrow(UsageError)
    await mkdir(join(base, 'broken/pg'), { recursive: true })
    await expect(openStore(join(base, 'broken'))).rejects.toThrow('has lost its data')
  })
})
