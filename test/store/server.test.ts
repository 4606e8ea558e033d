// Opening: migrations by several processes at once, and servers that cannot be used.
import net from 'node:net'
import postgres from 'postgres'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { openStore } from '../../src/store/index.ts'
import { backends } from './backends.ts'
import { startWorker } from './processes.ts'

async function refusal(location: string): Promise<string> {
  const error: unknown = await openStore(location).then(
    async (store) => await store.close(),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(UsageError)
  const { message } = error as UsageError
  expect(message).not.toContain('\n')
  return message
}

describe.each(backends())('a server: $name', (backend) => {
  test('five processes migrate one empty database', async () => {
    const url = await backend.freshDatabase()
    const workers = Array.from({ length: 5 }, () => startWorker(url, 'open'))
    expect(await Promise.all(workers.map((worker) => worker.ended))).toEqual([0, 0, 0, 0, 0])
    const sql = postgres(url, { max: 1, onnotice: () => {} })
    const [row] =
      await sql`select count(*)::int as n, count(distinct hash)::int as kinds from drizzle.__drizzle_migrations`
    expect(row?.n).toBe(row?.kinds)
    const [storage] =
      await sql`select attstorage from pg_attribute where attrelid = 'blobs'::regclass and attname = 'data'`
    expect(storage).toEqual({ attstorage: 'e' })
    await sql.end()
  })

  test('a wrong password, database or right is told without the password', async () => {
    const url = new URL(await backend.freshDatabase())
    const place = `${url.hostname}:${url.port}`
    const wrong = new URL(url)
    wrong.password = 'hunter2secret'
    const message = await refusal(wrong.href)
    expect(message).toContain(`postgres://${place}${url.pathname} refused the user or password`)
    expect(message).not.toContain('hunter2')
    const missing = new URL(url)
    missing.pathname = '/no_such_database'
    expect(await refusal(missing.href)).toContain('"no_such_database" does not exist')

    const admin = postgres(url.href, { max: 1, onnotice: () => {} })
    const role = `descent_test_reader_${process.pid}`
    await admin.unsafe(`create role ${role} login password 'reader'`)
    try {
      const reader = new URL(url)
      reader.username = role
      reader.password = 'reader'
      expect(await refusal(reader.href)).toMatch(/permission denied .* may create in it/)
    } finally {
      await admin.unsafe(`drop role ${role}`)
      await admin.end()
    }
  })

  test('a store of a newer version is left alone', async () => {
    const url = await backend.freshDatabase()
    await (await openStore(url)).close()
    const sql = postgres(url, { max: 1, onnotice: () => {} })
    await sql`insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', 99999999999999)`
    expect(await refusal(url)).toContain('newer version of Descent')
    await sql.end()
  })

  test('connections that the server ends are made again', async () => {
    const url = await backend.freshDatabase()
    const store = await openStore(url)
    const sql = postgres(url, { max: 1, onnotice: () => {} })
    await store.listRuns({ limit: 1 })
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`
    expect((await store.listRuns({ limit: 1 })).items).toEqual([])
    await sql.end()
    await store.close()
  })
})

describe('a server that is not there', () => {
  test('nothing listens, no such host, or something else answers', async () => {
    let answer = 'HTTP/1.1 400 Bad Request\r\n\r\n'
    const server = net.createServer((socket) => socket.end(answer))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as net.AddressInfo
    expect(await refusal(`postgres://me:hunter2@127.0.0.1:${port}/runs`)).toContain(
      'something else than PostgreSQL',
    )
    answer = ''
    expect(await refusal(`postgres://me:hunter2@127.0.0.1:${port}/runs`)).toContain('closed before a word')
    server.close()
    const message = await refusal(`postgres://me:hunter2@127.0.0.1:${port}/runs`)
    expect(message).toContain(`127.0.0.1:${port}/runs cannot be opened (ECONNREFUSED)`)
    expect(message).not.toContain('hunter2')
    expect(await refusal('postgres://me@nowhere.invalid/runs')).toContain('nowhere.invalid')
    expect(await refusal('postgres://me:p@ss@ho st/x')).toContain('is not valid')
  })
})
