// Every file under examples/ is run, as a reader of the README would run it.
import { cp, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createScriptedModel } from '../../src/models/index.ts'
import { createWorkplace, descent, type Workplace } from '../support/cli.ts'
import { startOpenAIServer, type OpenAIServer } from '../support/openai-server.ts'

const examples = path.resolve(import.meta.dirname, '../../examples')

let workplace: Workplace
let server: OpenAIServer

beforeAll(async () => {
  workplace = await createWorkplace()
  await cp(examples, path.join(workplace.directory, 'examples'), { recursive: true })
  const careful = createScriptedModel('careful')
  server = await startOpenAIServer(async (request) => {
    const messages = request.messages as Parameters<typeof careful.complete>[0]['messages']
    const signal = new AbortController().signal
    return {
      text: (await careful.complete({ messages, sampling: {}, wantTokens: false, seed: 1 }, signal)).text,
    }
  })
})
afterAll(async () => {
  await server.close()
  await workplace.dispose()
})

describe('an example', () => {
  it('demo.yaml, through descent demo', async () => {
    const out = path.join(workplace.directory, 'demo')
    const result = await descent([
      'demo',
      '--tasks',
      '3',
      '--rollouts',
      '2',
      '--out',
      out,
      '--json',
      '--store',
      workplace.store,
    ])
    expect(result.code).toBe(0)
    expect(result.json()[0]).toMatchObject({ trajectories: 6, done: 6, failed: 0 })
    expect(result.stderr).toContain('descent serve')
    expect(await readFile(path.join(out, 'sft-turns', 'README.md'), 'utf8')).toContain('SCRIPTED')
  })

  it('openai.yaml, against a local server', async () => {
    const file = path.join(workplace.directory, 'examples', 'openai.yaml')
    const text = await readFile(file, 'utf8')
    await writeFile(
      file,
      text.replace(/http:\/\/127\.0\.0\.1:8000\/v1/, server.baseUrl).replace('count: 50', 'count: 2'),
    )
    const result = await descent(['collect', file, '--json', '--store', workplace.store])
    expect(result.json()[0]).toMatchObject({ trajectories: 8, done: 8, failed: 0 })
  })

  it('huggingface.yaml, with an endpoint of its own', async () => {
    const file = path.join(workplace.directory, 'examples', 'huggingface.yaml')
    const text = await readFile(file, 'utf8')
    await writeFile(
      file,
      text.replace(/provider: huggingface,/, `provider: huggingface, baseUrl: "${server.baseUrl}",`),
    )
    const env = { HF_TOKEN: 'hf_for_this_test_only' }
    const result = await descent(['collect', file, '--json', '--store', workplace.store], { env })
    expect(result.json()[0]).toMatchObject({ trajectories: 6, done: 6, failed: 0 })
    expect(server.seen.at(-1)?.headers.authorization).toBe('Bearer hf_for_this_test_only')
  })

  it('custom.yaml, with a reward of its own', async () => {
    // The reward imports the package by name, so it runs where the package is.
    const result = await descent([
      'collect',
      path.join(examples, 'custom.yaml'),
      '--json',
      '--store',
      workplace.store,
    ])
    expect(result.json()[0]).toMatchObject({ trajectories: 6, done: 6, failed: 0 })
    const [row] = (
      await descent(['list', 'latest', '--json', '--limit', '1', '--store', workplace.store])
    ).json<{ scores: { reward: string; weight: number }[] }>()
    expect(row?.scores).toContainEqual(expect.objectContaining({ reward: 'short_answer', weight: 0.2 }))
  })
})
