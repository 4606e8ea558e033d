// What becomes of the answer at a limit, as `limits.atLimit` chooses.
import { describe, expect, it } from 'vitest'
import { runFileSchema } from '../../src/run-file.ts'
import { code, useRolling, turnsOf, type Roll } from './rolling.ts'

const rolling = useRolling('at-limit')

const tokensPerCall = { inputTokens: 10, outputTokens: 10 }
const working = code('answer["content"] = f"draft {len(context)}"\nfound = [1, 2]')

/** Every kind of limit, and the turns that reach it. */
const limits: [stopReason: string, options: Roll, responses: string[]][] = [
  ['max_turns', { limits: { maxTurns: 1 } }, [working]],
  ['max_tokens', { limits: { maxTokens: 10 }, tokensPerCall }, [working]],
  ['max_calls', { limits: { maxCalls: 1 } }, [working]],
  ['max_cost', { limits: { maxCostUsd: 0.1 }, costPerCall: 0.2 }, [working]],
  ['max_errors', { limits: { maxErrors: 1 } }, [`${working}\n${code('1/0')}`]],
]

describe.each(limits)('at %s', (stopReason, options, responses) => {
  it.each([
    ['stop', null, 1],
    ['answer', 'the last word', 2],
    ['draft', 'draft 8', 1],
    [{ variable: 'found' }, '[1, 2]', 1],
  ] as const)('%j', async (atLimit, expected, turns) => {
    const trajectory = await rolling.roll([...responses, 'the last word'], {
      ...options,
      limits: { ...options.limits, atLimit },
    })
    expect(trajectory).toMatchObject({ answer: expected, stopReason, status: 'done' })
    expect(turnsOf(trajectory).map((turn) => turn.forced)).toEqual([false, true].slice(0, turns))
  })

  it('left out: one last answer when the turns are used up, as the reference does', async () => {
    const trajectory = await rolling.roll([...responses, 'the last word'], options)
    const last = stopReason === 'max_turns' ? 'the last word' : null
    expect(trajectory).toMatchObject({ answer: last, stopReason })
  })
})

describe('without a draft', () => {
  it('goes on as if nothing had been chosen', async () => {
    for (const atLimit of ['draft', { variable: 'missing' }] as const) {
      const asked = await rolling.roll([code('x = 1'), 'the last word'], { limits: { maxTurns: 1, atLimit } })
      expect(asked).toMatchObject({ answer: 'the last word', stopReason: 'max_turns' })
      const stopped = await rolling.roll([code('1/0')], { limits: { maxErrors: 1, atLimit } })
      expect(stopped).toMatchObject({ answer: null, stopReason: 'max_errors' })
    }
  })

  it('an empty or None draft is none', async () => {
    for (const content of ['" "', 'None']) {
      const trajectory = await rolling.roll([code(`answer["content"] = ${content}`)], {
        limits: { maxErrors: 1, maxCalls: 1, atLimit: 'draft' },
      })
      expect(trajectory).toMatchObject({ answer: null, stopReason: 'max_calls' })
    }
  })
})

it('keeps the draft when the time is up in the middle of a cell', async () => {
  const trajectory = await rolling.roll([working, code('import time\ntime.sleep(30)')], {
    limits: { maxTimeSeconds: 2, cellSeconds: 20, atLimit: 'draft' },
  })
  expect(trajectory).toMatchObject({ answer: 'draft 8', stopReason: 'max_time', status: 'done' })
}, 20_000)

it('asks for nothing more when the time is up', async () => {
  const trajectory = await rolling.roll([code('import time\ntime.sleep(30)'), 'the last word'], {
    limits: { maxTimeSeconds: 1, cellSeconds: 20, atLimit: 'answer' },
  })
  expect(trajectory).toMatchObject({ answer: null, stopReason: 'max_time' })
}, 20_000)

it('rlm-final: FINAL_VAR called in a cell is the answer, and text of a variable that is missing is not', async () => {
  for (const strict of [false, true]) {
    const trajectory = await rolling.roll(
      [`${code('x = [1]\nprint(FINAL_VAR("y"))')}\nFINAL_VAR(y)`, code('print(FINAL_VAR("x"))'), 'FINAL(no)'],
      { protocol: { id: 'rlm-final', strict } },
    )
    expect(trajectory).toMatchObject({ answer: '[1]', stopReason: 'answered' })
    expect(turnsOf(trajectory)).toHaveLength(2)
  }
})

it('the run file refuses what is no choice', () => {
  const base = { name: 'x', tasks: 'none', model: { provider: 'scripted', name: 'careful' } }
  for (const atLimit of ['never', { variable: 'a b' }, { other: 'x' }])
    expect(runFileSchema.safeParse({ ...base, limits: { atLimit } }).success).toBe(false)
})
