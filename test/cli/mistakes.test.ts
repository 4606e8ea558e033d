// A person's mistakes: one clear line each, exit code 2, nothing lost.
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createWorkplace, descent, type CliOptions, type CliResult, type Workplace } from '../support/cli.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await createWorkplace()
})
afterAll(async () => await workplace.dispose())

async function file(name: string, content: string): Promise<string> {
  const target = path.join(workplace.directory, name)
  await writeFile(target, content)
  return target
}

async function collect(runFile: string, options: CliOptions = {}): Promise<CliResult> {
  return await descent(['collect', runFile, '--store', workplace.store], options)
}

function expectOneLine(result: CliResult, ...parts: string[]): void {
  expect(result.code).toBe(2)
  expect(result.stderr.trim().split('\n')).toHaveLength(1)
  for (const part of parts) expect(result.stderr).toContain(part)
}

const scripted = 'model: {provider: scripted, name: careful}\n'

describe('a mistake in a run file', () => {
  it.each([
    ['broken YAML', 'name: x\n  tasks: [', ['run.yaml:', 'not valid YAML']],
    [
      'an unknown field',
      `name: x\ntasks: t.jsonl\n${scripted}limits:\n  maxTurn: 3\n`,
      ['run.yaml:5', 'limits.maxTurn', 'maxTurns'],
    ],
    [
      'a value that is not allowed',
      `name: x\ntasks: t.jsonl\n${scripted}protocol: chat\n`,
      ['run.yaml:4', 'rlm-final'],
    ],
    ['a missing field', `name: x\n${scripted}`, ['tasks is missing']],
    [
      'an unknown reward',
      `name: x\ntasks: t.jsonl\n${scripted}rewards: [exactly]\n`,
      ['exactly', 'exact', 'set_f1'],
    ],
    ['an unknown taskset', `name: x\ntasks: {taskset: nothing}\n${scripted}`, ['nothing', 'factbook']],
    [
      'an unknown scripted policy',
      'name: x\ntasks: t.jsonl\nmodel: {provider: scripted, name: genius}\n',
      ['genius', 'careful'],
    ],
    [
      'a limit in dollars without prices',
      'name: x\ntasks: t.jsonl\nmodel: {provider: openai, name: m, baseUrl: "http://127.0.0.1:9/v1"}\nlimits: {maxCostUsd: 1}\n',
      ['maxCostUsd', 'model.prices', 'provider'],
    ],
    [
      'a key that is not set',
      'name: x\ntasks: t.jsonl\nmodel: {provider: openai, name: m, apiKeyEnv: DESCENT_NO_SUCH_KEY}\n',
      ['DESCENT_NO_SUCH_KEY'],
    ],
  ])('%s', async (_, content, parts) => {
    expectOneLine(await collect(await file('run.yaml', content)), ...parts)
  })

  it('a run file that is not there', async () => {
    expectOneLine(await collect(path.join(workplace.directory, 'none.yaml')), 'none.yaml', 'ENOENT')
  })
})

describe('a mistake in a task file', () => {
  it.each([
    [
      'a missing context file',
      '{"id": "a", "prompt": "p", "contextFile": "gone.txt", "answer": 1}\n',
      ['t.jsonl:1', 'gone.txt'],
    ],
    [
      'a duplicate id',
      '{"id": "a", "prompt": "p", "context": "c"}\n{"id": "a", "prompt": "q", "context": "c"}\n',
      ['t.jsonl:2', '"a"', '1'],
    ],
    ['a line that is no JSON', '{"id": "a", "prompt": "p", "context": "c"}\nnot json\n', ['t.jsonl:2']],
    ['a wrong type', '{"id": "a", "prompt": 7, "context": "c"}\n', ['t.jsonl:1', 'prompt']],
    ['an empty file', '', ['t.jsonl']],
  ])('%s', async (_, content, parts) => {
    await file('t.jsonl', content)
    expectOneLine(await collect(await file('run.yaml', `name: x\ntasks: t.jsonl\n${scripted}`)), ...parts)
  })
})

describe('a world that does not play along', () => {
  it('a server that is not there', async () => {
    await file('t.jsonl', '{"id": "a", "prompt": "p", "context": "c"}\n')
    const run =
      'name: x\ntasks: t.jsonl\nmodel: {provider: openai, name: m, baseUrl: "http://127.0.0.1:9/v1"}\n'
    expectOneLine(await collect(await file('run.yaml', run)), '127.0.0.1:9', 'cannot be reached')
  })

  it('a store that cannot be written', async () => {
    const blocked = await file('blocked', 'a file, not a directory')
    const result = await descent(['runs', '--store', path.join(blocked, 'store')])
    expectOneLine(result, blocked)
  })

  it('a PostgreSQL server that is not there', async () => {
    const result = await descent(['runs', '--store', 'postgres://someone:secret-word@127.0.0.1:9/nothing'])
    expectOneLine(result, '127.0.0.1')
    expect(result.stderr).not.toContain('secret-word')
  })

  it('a port in use', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const result = await descent(['serve', '--port', String(port), '--store', workplace.store])
    other.close()
    expectOneLine(result, String(port), '--port')
  })

  it('no python3', async () => {
    await file('t.jsonl', '{"id": "a", "prompt": "p", "context": "c"}\n')
    const run = await file('run.yaml', `name: x\ntasks: t.jsonl\n${scripted}`)
    const result = await collect(run, {
      env: { DESCENT_PYTHON: path.join(workplace.directory, 'no-python') },
    })
    expectOneLine(result, 'no-python')
  })

  it('a directory that is not ours as the target of an export', async () => {
    const target = path.join(workplace.directory, 'mine')
    await mkdir(target, { recursive: true })
    await writeFile(path.join(target, 'thesis.txt'), 'years of work')
    const run = await file(
      'run.yaml',
      `name: kept\ntasks: {taskset: factbook, options: {count: 1, maxCharacters: 20000}}\n${scripted}rewards: [auto]\n`,
    )
    expect((await collect(run)).code).toBe(0)
    expectOneLine(
      await descent(['export', 'sft-turns', '--run', 'latest', '--out', target, '--store', workplace.store]),
      target,
    )
  })

  it('an unknown command or option', async () => {
    expect((await descent(['colect'])).code).toBe(2)
    expect((await descent(['collect', '--fast'])).code).toBe(2)
    expectOneLine(
      await descent(['export', 'sft', '--run', 'latest', '--out', '/tmp/x', '--store', workplace.store]),
      'sft-turns',
    )
    expectOneLine(await descent(['show', 'ffffffff', '--store', workplace.store]), 'ffffffff')
  })
})
