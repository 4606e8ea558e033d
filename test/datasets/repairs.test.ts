// The rules of repair as texts, and what happens to a trajectory of which a turn was repaired.
import { expect, describe, test } from 'vitest'
import { applyEdits } from '../../src/datasets/clean/edits.ts'
import {
  parseRepairs,
  type ReplayedTurn,
  repairRules,
  repairTrajectory,
} from '../../src/datasets/repairs/index.ts'
import type { View } from '../../src/datasets/repairs/rules.ts'
import { makeCell, makeTrajectory, makeTurns } from './fixtures.ts'

const fence = (code: string, language = 'repl') => `\`\`\`${language}\n${code}\n\`\`\``
const tags: Omit<View, 'text'> = {
  convention: 'tags',
  variables: new Set(['candidate', 'context']),
  answered: false,
  everAnswered: true,
  last: true,
}
const dictionary: Omit<View, 'text'> = { ...tags, convention: 'dictionary', everAnswered: false }
const handedIn = (value: string) => fence(`answer["content"] = ${value}\nanswer["ready"] = True`)

function apply(name: string, text: string, view: Omit<View, 'text'> = tags): string | null {
  const rule = repairRules.find((one) => one.name === name)
  return rule ? rule.apply({ ...view, text }) : null
}

describe('final-in-fence puts the tag after the block', () => {
  test.each([
    [fence('FINAL(42)'), 'FINAL(42)'],
    [`Done.\n\n${fence('FINAL("two words")')}`, 'Done.\n\nFINAL(two words)'],
    [fence('x = 1\nFINAL_VAR(x)'), `${fence('x = 1')}\n\nFINAL_VAR(x)`],
    [fence("print(1)\nFINAL_VAR('x')\nprint(2)"), `${fence('print(1)\nprint(2)')}\n\nFINAL_VAR(x)`],
    [`${fence('FINAL(f(1), (2))', '')}\nBye.`, 'Bye.\n\nFINAL(f(1), (2))'],
    [`${fence('print(1)')}\n\n${fence('FINAL(1)', 'python')}`, `${fence('print(1)')}\n\nFINAL(1)`],
    // Nothing to put right.
    ['FINAL(42)', null],
    [fence('print("FINAL(42)")'), null],
    [`${fence('FINAL(1)')}\n\nFINAL(2)`, null],
    [fence('FINAL(42'), null],
  ])('%j', (before, after) => {
    expect(apply('final-in-fence', before)).toBe(after)
  })

  test('but not where answers are given by the dictionary', () => {
    expect(apply('final-in-fence', fence('FINAL(42)'), dictionary)).toBe(null)
  })
})

test.each([
  ['final-for-variable', 'I know.\n\nFINAL(candidate)', 'I know.\n\nFINAL_VAR(candidate)'],
  ['final-for-variable', 'FINAL( candidate )', 'FINAL_VAR(candidate)'],
  ['final-for-variable', 'FINAL(Paris)', null],
  ['final-for-variable', 'FINAL_VAR(candidate)', null],
  ['final-var-for-text', 'FINAL_VAR(Paris)\nBye', 'FINAL(Paris)\nBye'],
  ['final-var-for-text', 'FINAL_VAR("two words")', 'FINAL(two words)'],
  ['final-var-for-text', 'FINAL_VAR(candidate)', null],
  ['final-var-for-text', 'FINAL_VAR("candidate")', null],
  ['final-var-for-text', 'FINAL_VAR()', null],
  ['prose-after-final', 'FINAL(1)\n\nI hope this helps (really).', 'FINAL(1)'],
  ['prose-after-final', `FINAL(1)\n${fence('print(1)')}`, 'FINAL(1)'],
  ['prose-after-final', 'FINAL(1)\n', null],
  ['answer-not-set', 'So the\n**Final answer:** Paris', 'So the\n**Final answer:** Paris\n\nFINAL(Paris)'],
  ['answer-not-set', 'The answer is near.', null],
])('%s: %j', (name, before, after) => {
  expect(apply(name, before)).toBe(after)
})

describe('answer-not-set, where answers are given by the dictionary', () => {
  test.each([
    ['Done.\n\nFINAL(Paris)', `Done.\n\n${handedIn('"Paris"')}`],
    ['FINAL_VAR(candidate)', handedIn('candidate')],
    [fence('x = 2\nFINAL(candidate)'), fence('x = 2\nanswer["content"] = candidate\nanswer["ready"] = True')],
    ['FINAL(say "hi")', handedIn(String.raw`"say \"hi\""`)],
    [fence("answer['content'] = x"), fence('answer[\'content\'] = x\nanswer["ready"] = True')],
    ['My final answer is: Paris', `My final answer is: Paris\n\n${handedIn('"Paris"')}`],
    [handedIn('x'), null],
    [fence('print(1)'), null],
  ])('%j', (before, after) => {
    expect(apply('answer-not-set', before, dictionary)).toBe(after)
  })

  test('leaves a draft alone that a later turn hands in', () => {
    const draft = fence('answer["content"] = x')
    expect(apply('answer-not-set', draft, { ...dictionary, everAnswered: true })).toBe(null)
    expect(apply('answer-not-set', draft, { ...dictionary, last: false })).toBe(null)
    expect(apply('answer-not-set', 'FINAL(x)', { ...dictionary, answered: true })).toBe(null)
  })
})

test('several-blocks joins the code and keeps the prose in its order', () => {
  const before = `First.\n\n${fence('a = 1')}\n\nThen.\n\n${fence('b = 2\n')}\n\nLast.`
  expect(apply('several-blocks', before)).toBe(`First.\n\nThen.\n\n${fence('a = 1\nb = 2')}\n\nLast.`)
  expect(apply('several-blocks', `${fence('a')}\n${fence('b', 'python')}`)).toBe(null)
})

test('rules are named, all of them, or all but some', () => {
  const names = (given: string[]) => parseRepairs(given).map(({ name }) => name)
  expect(names([])).toEqual([])
  expect(names(['all'])).toHaveLength(6)
  expect(names(['prose-after-final', 'final-in-fence'])).toEqual(['final-in-fence', 'prose-after-final'])
  expect(names(['-several-blocks'])).toHaveLength(5)
  expect(() => parseRepairs(['prose'])).toThrow(/"prose" is not known; the rules are final-in-fence/)
})

describe('a trajectory', () => {
  const replies = [fence('print(1)'), fence('FINAL(42)'), fence('print(2)'), 'FINAL(42)']
  const trajectory = () =>
    makeTrajectory('run-1', 'task-0', 0, {
      answer: '42',
      protocol: { id: 'rlm-final', hash: 'h' },
      turns: makeTurns('q', replies),
    })

  /** Gives what each call is told, and remembers what was executed. */
  function replayer(outcome: (text: string) => Partial<ReplayedTurn>) {
    const executed: string[][] = []
    return {
      executed,
      open: () => {
        const texts: string[] = []
        executed.push(texts)
        return Promise.resolve({
          turn(_: unknown, text: string) {
            texts.push(text)
            const nothing = { cells: [], answer: null, feedback: null, difference: null }
            return Promise.resolve({ ...nothing, ...outcome(text) })
          },
          close: () => Promise.resolve(),
        })
      },
    }
  }

  async function repair(outcome: (text: string) => Partial<ReplayedTurn>) {
    const { executed, open } = replayer(outcome)
    const repairs = await repairTrajectory(trajectory(), parseRepairs(['all']), new Set(), open)
    return { repairs, executed, edited: applyEdits(trajectory(), { turns: repairs.map(({ edit }) => edit) }) }
  }

  test('ends with the repaired turn that gives the recorded answer', async () => {
    const { repairs, executed, edited } = await repair((text) =>
      text === 'FINAL(42)' ? { answer: ' 42 ' } : {},
    )
    expect(executed).toEqual([[replies[0], 'FINAL(42)']])
    expect(repairs).toMatchObject([{ turn: 1, rules: ['final-in-fence'], failure: null, cut: 2 }])
    const [root] = edited.invocations
    expect(root?.turns.map(({ call }) => call.response.text)).toEqual([replies[0], 'FINAL(42)'])
    expect(edited).toMatchObject({ answer: '42', stopReason: 'answered' })
  })

  test('loses the turn that gives another, and goes on with what was recorded', async () => {
    const { repairs, edited } = await repair(() => ({ answer: '41' }))
    expect(repairs).toMatchObject([{ turn: 1, failure: 'it answers "41", recorded is "42"' }])
    const turns = edited.invocations[0]?.turns ?? []
    expect(turns.map(({ call }) => call.response.text)).toEqual([replies[0], null, replies[2], replies[3]])
    // What was said stays in the prompts after it.
    expect(turns[2]?.call.messages.map(({ content }) => content)).toContain(replies[1])
  })

  test('loses the repaired turn when a cell before it does something else', async () => {
    const { repairs } = await repair((text) => ({
      answer: text === 'FINAL(42)' ? '42' : null,
      difference: text === replies[0] ? 'cell 1 of turn 1 differs in its stdout' : null,
    }))
    expect(repairs).toMatchObject([{ turn: 1, failure: 'before it: cell 1 of turn 1 differs in its stdout' }])
  })

  test('is not touched where a turn was forced, is a summary, or is left out already', async () => {
    const made = trajectory()
    const turns = made.invocations[0]?.turns ?? []
    const { open } = replayer(() => ({ answer: '42' }))
    const rules = parseRepairs(['final-in-fence'])
    expect(await repairTrajectory(made, rules, new Set([1]), open)).toEqual([])
    for (const mark of ['forced', 'compaction'] as const) {
      const marked = turns.map((turn) => ({ ...turn, [mark]: true }))
      const one = makeTrajectory('run-1', 'task-0', 0, { protocol: made.protocol, turns: marked })
      expect(await repairTrajectory(one, rules, new Set(), open)).toEqual([])
    }
  })

  test('keeps one growing prefix when a turn in its middle is repaired', async () => {
    const blocks = `${fence('a = 1')}\n\n${fence('print(1)')}`
    const turns = makeTurns('q', [blocks, fence('print(2)'), 'FINAL(42)'])
    const made = makeTrajectory('run-1', 'task-0', 0, {
      answer: '42',
      protocol: { id: 'rlm-final', hash: 'h' },
      turns,
    })
    const told = 'told anew'
    const { open } = replayer(() => ({ cells: [makeCell()], feedback: told }))
    const repairs = await repairTrajectory(made, parseRepairs(['several-blocks']), new Set(), open)
    const edited = applyEdits(made, { turns: repairs.map(({ edit }) => edit) }).invocations[0]?.turns ?? []
    for (const [index, { call }] of edited.entries()) {
      const before = edited[index - 1]?.call
      if (!before) continue
      const prefix = [...before.messages, { role: 'assistant', content: before.response.text }]
      expect(call.messages.slice(0, prefix.length)).toEqual(prefix)
      expect(call.messages.map(({ content }) => content)).toContain(told)
    }
    // What is stored is not touched.
    expect(turns[1]?.call.messages.map(({ content }) => content)).toContain(blocks)
  })
})
