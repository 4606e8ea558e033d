// `descent serve --rlm` as a process: the client of OpenAI asks it, it is killed, it ends.
import type { ChildProcess } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import OpenAI, { APIConnectionError } from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorkplace, descent, type CliResult, type Workplace } from '../support/cli.ts'
import { startOpenAIServer, type OpenAIServer } from '../support/openai-server.ts'

let place: Workplace
let model: OpenAIServer

beforeAll(async () => {
  place = await createWorkplace()
  model = await startOpenAIServer(() => ({ text: 'still thinking', delayMs: 60_000 }))
  await writeFile(
    path.join(place.directory, 'careful.yaml'),
    'name: careful\nmodel: {provider: scripted, name: careful}\ntasks: not-read.jsonl\n',
  )
  await writeFile(
    path.join(place.directory, 'slow.yaml'),
    `name: slow\nmodel: {provider: openai, name: m, baseUrl: "${model.baseUrl}"}\n`,
  )
})

afterAll(async () => {
  await model.close()
  await place.dispose()
})

interface Served {
  url: string
  child: ChildProcess
  ended: Promise<CliResult>
}

async function start(...files: string[]): Promise<Served> {
  let child: ChildProcess | undefined
  const address = Promise.withResolvers<string>()
  let said = ''
  const rlm = files.flatMap((file) => ['--rlm', path.join(place.directory, file)])
  const ended = descent(['serve', '--port', '0', '--store', place.store, ...rlm], {
    cwd: place.directory,
    started(process) {
      child = process
      process.stderr?.on('data', (text: string) => {
        said += text
        const found = /the trace browser: (\S+)[\s\S]*Ctrl-C/.exec(said)
        if (found) address.resolve(found[1] ?? '')
      })
    },
  })
  void ended.then(({ stderr }) => address.reject(new Error(stderr)))
  const url = await address.promise
  if (!child) throw new Error('no process')
  return { url, child, ended }
}

const client = (url: string) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 })
const book = `${'The moor is wide and wet.\n'.repeat(400)}The bird on the moor is a curlew.\n`
const ask = {
  messages: [
    { role: 'user', content: book },
    { role: 'user', content: 'Which bird is on the moor?' },
  ],
}

interface RunLine {
  id: string
  name: string
  status: string
  stopReasons: Record<string, number>
}

async function runs(name: string): Promise<RunLine[]> {
  const listed = await descent(['runs', '--json', '--store', place.store])
  return listed.json<RunLine>().filter((run) => run.name === name)
}

test('a scripted RLM answers; Ctrl-C ends its run', async () => {
  const { url, child, ended } = await start('careful.yaml')
  const completion = await client(url).chat.completions.create({ model: 'careful', ...ask } as never)
  const { choices, descent: where } = completion as OpenAI.ChatCompletion & {
    descent: { trajectoryId: string }
  }
  expect(choices[0]?.message.content).toContain('curlew')
  child.kill('SIGINT')
  expect((await ended).code).toBe(130)
  const [run] = await runs('careful')
  expect(run).toMatchObject({ status: 'done', stopReasons: { answered: 1 } })
  const shown = await descent(['show', where.trajectoryId, '--json', '--store', place.store])
  expect(shown.json<{ scripted: boolean; stopReason: string }>()[0]).toMatchObject({
    scripted: true,
    stopReason: 'answered',
  })
})

test('a killed server’s run is taken up by the next one, and what it left open is cancelled', async () => {
  const first = await start('slow.yaml', 'careful.yaml')
  const lost = client(first.url).chat.completions.create({ model: 'slow', ...ask } as never)
  const failed = lost.catch((error: unknown) => error)
  await expect.poll(() => model.seen.length, { timeout: 10_000 }).toBe(1)
  first.child.kill('SIGKILL')
  expect(await failed).toBeInstanceOf(APIConnectionError)
  await first.ended

  const second = await start('slow.yaml')
  const waiting = client(second.url).chat.completions.create({ model: 'slow', ...ask } as never)
  const told = waiting.catch((error: unknown) => error)
  await expect.poll(() => model.seen.length, { timeout: 10_000 }).toBe(2)
  second.child.kill('SIGINT')
  expect(await told).toMatchObject({ status: 503, code: 'cancelled' })
  expect((await second.ended).code).toBe(130)
  const found = await runs('slow')
  expect(found).toHaveLength(1)
  expect(found[0]).toMatchObject({ status: 'done', stopReasons: { cancelled: 2 } })
}, 60_000)

test('a mistake is one line, before the store is opened', async () => {
  await writeFile(path.join(place.directory, 'wrong.yaml'), 'name: x\nmodle: {}\n')
  const rlm = (...files: string[]) => files.flatMap((file) => ['--rlm', path.join(place.directory, file)])
  const misspelt = await descent(['serve', '--port', '0', '--store', place.store, ...rlm('wrong.yaml')])
  expect(misspelt.code).toBe(2)
  expect(misspelt.stderr).toMatch(/^descent: .*wrong\.yaml:\d+: .*model.*\n$/)
  const twice = await descent([
    'serve',
    '--port',
    '0',
    '--store',
    place.store,
    ...rlm('careful.yaml', 'careful.yaml'),
  ])
  expect(twice.code).toBe(2)
  expect(twice.stderr).toMatch(/^descent: --rlm: two run files have the name "careful".*\n$/)
})
