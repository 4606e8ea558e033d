// What a scripted model can know: the messages of one request. All state comes from them, so that a
// policy has no memory of its own and a resumed rollout goes on as if nothing had happened.
import type { ModelRequest } from '../model.ts'
import { parseQuestion } from './question.ts'
import type { Question } from './question.ts'

export interface Conversation {
  /** True for the root or a child of an RLM; false for a plain prompt such as a sub-call. */
  hasRepl: boolean
  /** The question's words; null for a child that sees only its context. */
  questionText: string | null
  /** The question as understood; null when it has no shape that is known. */
  question: Question | null
  /** Characters of the context as the metadata message states them. */
  characters: number
  /** Turns already taken. */
  turn: number
  /** Turns left, this one included; null when nothing states them. */
  turnsLeft: number | null
  /** The last REPL output; empty before the first. */
  lastOutput: string
  convention: 'dict' | 'final'
  /** The system prompt offers `llm_query`. */
  hasSubCalls: boolean
  /** The one last answer is asked for: reply with it as text. */
  forced: boolean
  /** The text of a plain prompt. */
  prompt: string
  seed: number
}

const forcedPattern = /provide a final answer to the user's question/

export function readConversation({ messages, seed }: ModelRequest): Conversation {
  const system = messages.find(({ role }) => role === 'system')?.content ?? ''
  const users = messages.filter(({ role }) => role === 'user').map(({ content }) => content)
  const opening = users[0] ?? ''
  const metadata =
    /(?:^Answer the following: ([\s\S]*)\n\n)?Your context is a \w+ of ([\d,]+) total characters/.exec(
      opening,
    )
  const hasRepl = metadata !== null && (metadata.index === 0 || opening.startsWith('Answer the following: '))
  const questionText = metadata?.[1]?.trim() ?? null
  const counter = users.findLast((content) => /Turn \d+\/\d+:\s*$/.test(content))
  const [, turnNumber, maxTurns] = /Turn (\d+)\/(\d+):\s*$/.exec(counter ?? '') ?? []
  const last = messages.at(-1)?.content ?? ''
  const forced = hasRepl && forcedPattern.test(last)
  return {
    hasRepl,
    questionText,
    question: questionText === null ? null : parseQuestion(questionText),
    characters: Number(metadata?.[2]?.replaceAll(',', '') ?? 0),
    turn: messages.filter(({ role }) => role === 'assistant').length,
    turnsLeft: turnNumber && maxTurns ? Number(maxTurns) - Number(turnNumber) + 1 : null,
    lastOutput: users.findLast((content) => content.startsWith('REPL output')) ?? '',
    convention: system.includes('FINAL_VAR(') ? 'final' : 'dict',
    hasSubCalls: system === '' || system.includes('llm_query'),
    forced,
    prompt: users.join('\n\n'),
    seed,
  }
}
