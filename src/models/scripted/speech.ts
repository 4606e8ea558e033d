// Replies in the form of the protocol: a sentence or two of plan, then code or a final answer.
import type { Conversation } from './conversation.ts'

export function turn(prose: string, ...blocks: string[]): string {
  return [prose, ...blocks.map((code) => `\`\`\`repl\n${code}\n\`\`\``)].join('\n\n')
}

/** Gives the value of a variable as the answer. */
export function submitVariable({ convention }: Conversation, name: string, prose: string): string {
  return convention === 'final'
    ? `${prose}\n\nFINAL_VAR(${name})`
    : turn(prose, `answer["content"] = ${name}\nanswer["ready"] = True`)
}

/** Gives a text as the answer. */
export function submitText({ convention }: Conversation, text: string, prose: string): string {
  return convention === 'final'
    ? `${prose}\n\nFINAL(${text})`
    : turn(prose, `answer["content"] = ${JSON.stringify(text)}\nanswer["ready"] = True`)
}

/** The candidate that an earlier cell printed, when it is still in the messages. */
export function printedCandidate({ lastOutput }: Conversation): string | null {
  return /^candidate: (.+)$/m.exec(lastOutput)?.[1]?.trim() ?? null
}
