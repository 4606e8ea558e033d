// The prompts of each protocol that the runs were collected with: what a model trained on the rows has to
// be shown again at inference. As files, byte for byte, and in the card where they are short.
import type { StoredRun } from '../../store/contract.ts'
import { redact, type SecretGroup } from '../clean/secrets.ts'
import { fenced, inline } from './markdown.ts'

export interface ProtocolPrompts {
  id: string
  hash: string
  /** Names of the runs that were collected with it. */
  runs: string[]
  texts: { name: string; text: string; path: string }[]
}

const mostInCard = 12_000

/** What each text is for, by the name that a protocol gives it. */
const meanings: Record<string, string> = {
  system: 'The system message of the root and of every child, as it was sent.',
  lookFirst: 'At the head of the first turn prompt (`Turn 1/N:` follows).',
  forced: 'Asks for the last answer at a limit.',
  prologue: 'A user message between the question and the first turn prompt.',
}

/** By protocol hash; runs that recorded no prompts are not in it. `redacting`: what the rows are without. */
export function promptsOf(runs: StoredRun[], redacting: ReadonlySet<SecretGroup>): ProtocolPrompts[] {
  const found = new Map<string, ProtocolPrompts>()
  for (const { name, protocol, protocolHash, config } of runs) {
    const known = found.get(protocolHash)
    if (known) {
      known.runs.push(name)
      continue
    }
    const texts = textsOf(config['protocolTexts'], protocolHash, redacting)
    if (texts.length > 0) found.set(protocolHash, { id: protocol, hash: protocolHash, runs: [name], texts })
  }
  return [...found.values()]
}

function textsOf(
  value: unknown,
  hash: string,
  redacting: ReadonlySet<SecretGroup>,
): ProtocolPrompts['texts'] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, text]) => {
    if (typeof text !== 'string' || text === '' || !/^[A-Za-z]\w*$/.test(name)) return []
    const path = `card/prompts/${hash.slice(0, 12)}-${name}.txt`
    return [{ name, text: redact(text, redacting).text, path }]
  })
}

export function promptSection(runs: StoredRun[], prompts: ProtocolPrompts[]): string {
  const unknown = runs.filter(({ protocolHash }) => !prompts.some(({ hash }) => hash === protocolHash))
  const parts = ['## Prompts']
  if (prompts.length > 0) {
    parts.push(
      'The rows were sampled under these prompts. A model trained on them is to be given the same ones at inference: ' +
        'the files hold them byte for byte, and `systemPromptFile` of a run file takes the first.',
      ...prompts.map(protocolText),
    )
  }
  if (unknown.length > 0) {
    const names = unknown.map(({ name }) => inline(name)).join(', ')
    parts.push(
      `No prompts were recorded with ${names}: the messages of the rows are what the models were sent.`,
    )
  }
  return `${parts.join('\n\n')}\n`
}

function protocolText({ id, hash, runs, texts }: ProtocolPrompts): string {
  const parts = [`### Protocol ${inline(id)} (\`${hash.slice(0, 12)}\`)`, `Of: ${inline(runs.join(', '))}.`]
  for (const { name, text, path } of texts) {
    const meaning = meanings[name] ?? 'Part of the protocol.'
    const link = `[\`${path}\`](${path})`
    parts.push(
      text.length <= mostInCard
        ? `\`${name}\` (${link}). ${meaning}\n\n${fenced(text)}`
        : `\`${name}\`. ${meaning} ${text.length} characters: ${link}.`,
    )
  }
  return parts.join('\n\n')
}
