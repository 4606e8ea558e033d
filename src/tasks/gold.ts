// The gold answer of a task as the text that a perfect model would submit, and a wrong one of the same
// form: what `descent tasks check` gives to the task's reward in place of a model's answer.
import type { Json } from '../json.ts'
import type { Task } from './task.ts'

export interface SampleAnswers {
  gold: string
  /** Of the right form where the form allows it, so that a reward cannot pass by its form alone. */
  wrong: string
}

type Sampler = (task: Pick<Task, 'answer' | 'metadata'>) => SampleAnswers

const samplers: Record<string, Sampler> = {
  oolong: oolongAnswers,
  oolong_training: oolongAnswers,
  oolong_real: ({ answer }) => boxed(plainText(answer)),
  oolong_pairs: pairAnswers,
  ruler: ({ answer }) => ({ gold: texts(answer).join(', '), wrong: 'none of them' }),
  longbench: ({ answer }) => ({ gold: texts(answer)[0] ?? '', wrong: 'qqq' }),
  longbench_v2: ({ answer }) =>
    letterAnswers(plainText(answer), (letter) => `The correct answer is (${letter})`),
  longbench_pro: ({ answer }) => ({
    gold: `[Answer]\n${texts(answer).join('\n')}`,
    wrong: '[Answer]\nqqq',
  }),
  mrcr: prefixedAnswers,
  mrcr_v2: prefixedAnswers,
  browsecomp_plus: ({ answer }) => ({
    gold: `Explanation: given.\nExact Answer: ${plainText(answer)}\nConfidence: 100%`,
    wrong: 'Explanation: none.\nExact Answer: qqq\nConfidence: 100%',
  }),
  multiple_choice: ({ answer }) => letterAnswers(plainText(answer), (letter) => letter),
  set_f1: ({ answer }) => ({ gold: setText(answer), wrong: 'qqq' }),
}

/** `reward` names the scorer that will judge them. */
export function sampleAnswers(task: Pick<Task, 'answer' | 'metadata'>, reward: string): SampleAnswers {
  const sampler = Object.hasOwn(samplers, reward) ? samplers[reward] : undefined
  return (sampler ?? generalAnswers)(task)
}

function generalAnswers({ answer, metadata }: Pick<Task, 'answer' | 'metadata'>): SampleAnswers {
  if (metadata['answerType'] === 'set' || (Array.isArray(answer) && metadata['answerType'] === undefined)) {
    return { gold: setText(answer), wrong: 'qqq' }
  }
  const first = Array.isArray(answer) ? (answer[0] ?? null) : answer
  if (typeof first === 'number') return { gold: String(first), wrong: String(first + 1 + Math.abs(first)) }
  return { gold: plainText(first), wrong: 'qqq' }
}

function plainText(value: Json): string {
  return typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value)
}

function texts(value: Json): string[] {
  return Array.isArray(value) ? value.map(plainText) : [plainText(value)]
}

function setText(value: Json): string {
  if (!Array.isArray(value)) return plainText(value)
  return value.length === 0 ? 'none' : JSON.stringify(value)
}

function letterAnswers(letter: string, write: (letter: string) => string): SampleAnswers {
  return { gold: write(letter), wrong: write(letter === 'A' ? 'B' : 'A') }
}

function boxed(text: string): SampleAnswers {
  const wrong = /^-?\d+$/.test(text) ? String(Number(text) + 7) : 'qqq'
  return { gold: String.raw`\boxed{${text}}`, wrong: String.raw`\boxed{${wrong}}` }
}

function pairAnswers({ answer }: Pick<Task, 'answer'>): SampleAnswers {
  const pairs = Array.isArray(answer) ? answer.filter((pair) => Array.isArray(pair)) : []
  if (pairs.length === 0) return { gold: 'None', wrong: '(1, 2)' }
  return { gold: pairs.map((pair) => `(${pair.map(plainText).join(', ')})`).join('\n'), wrong: '(1, 2)' }
}

function prefixedAnswers({ answer }: Pick<Task, 'answer'>): SampleAnswers {
  const gold = plainText(answer)
  // The prefix is right and what follows is not.
  return { gold, wrong: `${gold.slice(0, 12)}qqq` }
}

/** The gold of OOLONG is a Python list of one value as text: `['ham']`, `[42]`, `[datetime.date(2023, 3, 5)]`. */
function oolongAnswers({ answer, metadata }: Pick<Task, 'answer' | 'metadata'>): SampleAnswers {
  const text = plainText(answer)
  const date = /datetime\.date\((\d+), (\d+), (\d+)\)/.exec(text)
  if (date) {
    const [year = '', month = '', day = ''] = date.slice(1).map((part) => part.padStart(2, '0'))
    return { gold: `Date: ${month}/${day}/${year}`, wrong: `Date: ${month}/${day}/1999` }
  }
  const type = plainText(metadata['answer_type'] ?? null)
  const value = /^\[\s*(['"]?)([\s\S]*)\1\s*\]$/.exec(text)?.[2] ?? text
  if (/^-?\d+$/.test(value) && type.includes('NUMERIC')) {
    return { gold: `Answer: ${value}`, wrong: `Answer: ${Number(value) + 7}` }
  }
  if (/^-?\d+$/.test(value)) return { gold: `User: ${value}`, wrong: `User: ${Number(value) + 7}` }
  const phrases = ['more common', 'less common', 'same frequency']
  const phrase = phrases.find((candidate) => value.startsWith(candidate))
  if (phrase) {
    const other = phrases.find((candidate) => candidate !== phrase) ?? ''
    return { gold: `Answer: ${value}`, wrong: `Answer: ${other}` }
  }
  const head = type.includes('MONTH_YEAR') ? 'Answer' : 'Label'
  return { gold: `${head}: ${value}`, wrong: `${head}: qqq` }
}
