// The answer that a turn gave, by its cells or in its text.
import type { CellResult, SandboxSession } from '../src/sandbox.ts'
import type { Protocol } from './protocols/index.ts'

/** The first answer that a cell declared, else one in the text. */
export async function findAnswer(
  protocol: Protocol,
  session: SandboxSession | null,
  text: string,
  results: CellResult[],
): Promise<string | null> {
  const declared = results.find((result) => result.finalAnswer !== null)?.finalAnswer
  if (declared !== undefined && declared !== null) return declared
  const tag = protocol.textAnswer(text)
  if (tag === null) return null
  if (tag.kind === 'text') return tag.text
  const value = (await session?.variable(tag.name)) ?? null
  return value === null ? null : protocol.variableAnswer(value)
}
