import { beforeAll, describe, expect, test } from 'vitest'
import { ModelError, UsageError } from '../../src/errors.ts'
import type { Message, ModelRequest } from '../../src/models/model.ts'
import { createScriptedModel, createTableModel, scriptedNames } from '../../src/models/scripted/index.ts'
import { factbookTaskset } from '../../src/tasks/factbook.ts'
import type { Task } from '../../src/tasks/task.ts'
import { dictSystem, finalSystem, play } from './python-repl.ts'
import type { Played } from './python-repl.ts'

const { signal } = new AbortController()
const reader = createScriptedModel('reader')
const tasks: Task[] = []
beforeAll(async () => {
  for await (const task of factbookTaskset({ count: 36, maxCharacters: 400_000, seed: 21 }).tasks())
    tasks.push(task)
})

function request(messages: Message[], change: Partial<ModelRequest> = {}): ModelRequest {
  return { messages, sampling: {}, wantTokens: false, seed: 1, ...change }
}

function isRight({ answer: gold }: Task, { answer }: Played): boolean {
  if (Array.isArray(gold)) return answer?.split(', ').toSorted().join() === gold.map(String).toSorted().join()
  return typeof gold === 'number' ? Number(answer) === gold : answer === gold
}

async function playAll(
  name: string,
  some: Task[],
  options: Parameters<typeof play>[2] = {},
): Promise<Played[]> {
  const models = { policy: createScriptedModel(name), sub: reader }
  const played: Played[] = []
  for (const [index, task] of some.entries())
    played.push(await play(task, models, { seed: 100 + index, ...options }))
  return played
}

function share(some: Task[], played: Played[]): number {
  return some.filter((task, index) => isRight(task, played[index] as Played)).length / some.length
}

describe('careful', () => {
  test('is right on most of 36 tasks, by cells that run without an error', async () => {
    const played = await playAll('careful', tasks)
    expect(share(tasks, played)).toBeGreaterThanOrEqual(0.8)
    for (const { answer, turns, errors, subCalls, blocks } of played) {
      expect(answer).not.toBeNull()
      expect(errors).toEqual([])
      expect(turns).toBe(7)
      expect(subCalls).toBeGreaterThan(0)
      expect(new Set(blocks)).toEqual(new Set([1]))
    }
  })

  test('ends by FINAL_VAR under that convention, without sub-calls when there are none, and in time', async () => {
    const some = tasks.slice(0, 8)
    expect(share(some, await playAll('careful', some, { system: finalSystem }))).toBeGreaterThanOrEqual(0.75)
    const alone = await playAll('careful', some, { system: 'You have a REPL. Set the answer dictionary.' })
    expect(alone.map(({ subCalls }) => subCalls)).toEqual(some.map(() => 0))
    expect(share(some, alone)).toBe(1)
    const short = await playAll('careful', some, { maxTurns: 3 })
    expect(short.map(({ turns }) => turns)).toEqual(some.map(() => 3))
    expect(share(some, short)).toBe(1)
  })

  test('finds a plain fact in a text of no known shape', async () => {
    const filler = Array.from({ length: 400 }, (_, index) => `Ship ${index} left the harbour at noon.`)
    filler.splice(250, 0, 'The secret password of the lighthouse is heliotrope.')
    const task: Task = {
      id: 'x',
      prompt: 'What is the secret password of the lighthouse?',
      context: { kind: 'text', text: filler.join('\n') },
      answer: 'heliotrope',
      metadata: {},
    }
    expect((await playAll('careful', [task]))[0]).toMatchObject({ answer: 'heliotrope', errors: [] })
  })

  test('is stateless: the same messages give the same reply, and a child without a question works', async () => {
    const model = createScriptedModel('careful')
    const [{ messages } = { messages: [] }] = await playAll('careful', tasks.slice(0, 1))
    for (const [index, { role, content }] of messages.entries()) {
      if (role !== 'assistant') continue
      expect((await model.complete(request(messages.slice(0, index), { seed: 100 }), signal)).text).toBe(
        content,
      )
    }
    const child: Message[] = [
      { role: 'system', content: dictSystem },
      { role: 'user', content: 'Your context is a str of 90 total characters. Each sub-LLM call' },
    ]
    expect((await model.complete(request(child), signal)).text).toContain('```repl')
  })
})

describe('the flawed ones', () => {
  test('hasty answers in the first turn and is mostly wrong', async () => {
    const some = tasks.slice(0, 10)
    const played = await playAll('hasty', some)
    expect(played.map(({ turns, answer }) => [turns, answer !== null])).toEqual(some.map(() => [1, true]))
    expect(share(some, played)).toBeLessThan(0.4)
  })

  test('looper never answers; asked at the end, it still has none', async () => {
    const [played] = await playAll('looper', tasks.slice(0, 1), { maxTurns: 6 })
    expect(played).toMatchObject({ answer: null, turns: 6, errors: [] })
    const forced: Message = {
      role: 'assistant',
      content: "Please provide a final answer to the user's question based on the information provided.",
    }
    const { text } = await createScriptedModel('looper').complete(
      request([...(played?.messages ?? []), forced]),
      signal,
    )
    expect(text).not.toContain('```')
  })

  test('crasher raises different errors; some rollouts recover', async () => {
    const some = tasks.slice(0, 10)
    const played = await playAll('crasher', some, { maxTurns: 8 })
    for (const { errors } of played) {
      expect(errors[0]).toContain('NameError')
      expect(errors[1]).toContain('ZeroDivisionError')
      expect(errors[2]).toMatch(/SyntaxError/)
    }
    const answered = played.filter(({ answer }) => answer !== null)
    expect(answered.length).toBeGreaterThan(0)
    expect(answered.length).toBeLessThan(10)
    expect(played.some(({ errors }) => errors[3]?.startsWith('SystemExit'))).toBe(true)
  })

  test('spender makes 60 to 200 single calls; right and wrong answers both occur', async () => {
    const some = tasks.slice(0, 10)
    const played = await playAll('spender', some)
    for (const { subCalls, answer } of played) {
      expect(subCalls).toBeGreaterThanOrEqual(60)
      expect(subCalls).toBeLessThanOrEqual(200)
      expect(answer).not.toBeNull()
    }
    const right = share(some, played)
    expect(right).toBeGreaterThan(0)
    expect(right).toBeLessThan(1)
  })

  test('misuser breaks the protocol in several ways', async () => {
    const some = tasks.slice(0, 14)
    const played = await playAll('misuser', some, { maxTurns: 8 })
    const texts = played.map(({ messages }) =>
      messages.flatMap(({ role, content }) => (role === 'assistant' ? [content] : [])),
    )
    expect(texts.some(([first = '']) => /^FINAL\(/m.test(first) && !first.includes('```'))).toBe(true)
    expect(texts.some(([first = '']) => first.includes('```python'))).toBe(true)
    expect(played.some(({ blocks }) => (blocks[0] ?? 0) > 1)).toBe(true)
    expect(
      played.some(({ errors }) => errors.some((error) => error.includes("'FINAL' is not defined"))),
    ).toBe(true)
    expect(played.some(({ answer }) => answer === null)).toBe(true)
    expect(played.some(({ answer }) => answer !== null)).toBe(true)
    const tags = await playAll('misuser', some, { system: finalSystem })
    expect(tags.some(({ answer }) => answer === 'candidate')).toBe(true)
  })

  test('mixed is one policy per seed, mostly careful', async () => {
    const [{ messages } = { messages: [] }] = await playAll('careful', tasks.slice(0, 1))
    const opening = messages.slice(0, 3)
    const replies = new Map<string, number>()
    for (let seed = 0; seed < 300; seed += 1) {
      const { text } = await createScriptedModel('mixed').complete(request(opening, { seed }), signal)
      replies.set(text, (replies.get(text) ?? 0) + 1)
    }
    expect(replies.size).toBeGreaterThan(5)
    const careful = await createScriptedModel('careful').complete(request(opening), signal)
    expect(replies.get(careful.text)).toBeGreaterThan(150)
    expect(replies.get(careful.text)).toBeLessThan(230)
  })
})

describe('the reader', () => {
  const profile = (name: string, value: string) =>
    `### Country: ${name}\n\nGeography / Area / total: ${value}`
  const instruction =
    'Below are country profiles, each under its heading. For each one take the first number in the field "Geography / Area / total". Reply with one line per profile'

  test('reads fields from its prompt, and misreads about three in a hundred', async () => {
    const count = 2000
    const rows = Array.from({ length: count }, (_, index) =>
      profile(`Land ${index}`, `${index + 7},123 sq km (2010)`),
    )
    const { text } = await reader.complete(
      request([{ role: 'user', content: `${instruction}\n\n${rows.join('\n\n')}` }]),
      signal,
    )
    const lines = text.split('\n')
    expect(lines).toHaveLength(count)
    const wrong = lines.filter((line, index) => line !== `Land ${index} | ${index + 7}123`).length
    expect(wrong).toBeGreaterThan(30)
    expect(wrong).toBeLessThan(95)
  })

  test('answers a whole question over a text, as in the direct protocol, and so do the policies', async () => {
    const content = `${profile('Albania', '28,748 sq km')}\n\n${profile('Chad', '1,259,200 sq km')}\n\nWhich country in the context has the highest value in the field "Geography / Area / total" (sq km)?`
    const messages: Message[] = [
      { role: 'system', content: 'Answer the question from the text that you are given.' },
      { role: 'user', content },
    ]
    for (const name of scriptedNames) {
      expect((await createScriptedModel(name).complete(request(messages), signal)).text).toBe('Chad')
    }
  })
})

describe('as a model', () => {
  test('is marked scripted, estimates usage at four characters a token, costs nothing, cuts at maxTokens', async () => {
    const model = createTableModel(['x'.repeat(41)], { name: 'mine' })
    expect(model).toMatchObject({ name: 'mine', provider: 'scripted', scripted: true })
    const messages: Message[] = [{ role: 'user', content: 'y'.repeat(9) }]
    expect(await model.complete(request(messages), signal)).toMatchObject({
      usage: { inputTokens: 3, outputTokens: 11 },
      costUsd: null,
      costSource: 'none',
      tokens: null,
      finishReason: 'stop',
    })
    const cut = await model.complete(request(messages, { sampling: { maxTokens: 2 } }), signal)
    expect(cut).toMatchObject({ text: 'xxxxxxxx', finishReason: 'length' })
  })

  test('a table answers by the number of assistant messages', async () => {
    const messages: Message[] = []
    const said: string[] = []
    const model = createTableModel(['a', 'b'])
    for (let turn = 0; turn < 3; turn += 1) {
      const { text } = await model.complete(request([{ role: 'user', content: 'q' }, ...messages]), signal)
      messages.push({ role: 'assistant', content: text })
      said.push(text)
    }
    expect(said).toEqual(['a', 'b', 'b'])
    expect(
      (await createTableModel(['a', 'b'], { atEnd: 'restart' }).complete(request(messages), signal)).text,
    ).toBe('b')
    await expect(
      createTableModel(['a'], { atEnd: 'error' }).complete(request(messages), signal),
    ).rejects.toThrow(ModelError)
    expect(() => createTableModel([])).toThrow(UsageError)
  })

  test('latency can be set and is cut short by the signal; unknown names list what exists', async () => {
    const slow = createScriptedModel('hasty', { latencyMs: 60_000 })
    const abort = new AbortController()
    const pending = slow.complete(request([{ role: 'user', content: 'q' }]), abort.signal)
    abort.abort(new Error('stopped'))
    await expect(pending).rejects.toThrow('stopped')
    expect(() => createScriptedModel('carefull')).toThrow(
      /unknown scripted policy "carefull"; there are careful, hasty/,
    )
    expect(() => createScriptedModel('toString')).toThrow(UsageError)
  })
})
