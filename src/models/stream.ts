// Puts a streamed chat completion together again, in the shape of an unstreamed one. Token ids and
// logprobs of the chunks are deltas; prompt ids come in the first chunk.
import { z } from 'zod'

const chunkSchema = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        index: z.number().nullish(),
        delta: z
          .looseObject({
            content: z.string().nullish(),
            reasoning_content: z.string().nullish(),
            reasoning: z.string().nullish(),
            tool_calls: z.array(z.unknown()).nullish(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
        token_ids: z.array(z.number()).nullish(),
        prompt_token_ids: z.array(z.number()).nullish(),
        logprobs: z.looseObject({ content: z.array(z.unknown()).nullish() }).nullish(),
      }),
    )
    .nullish(),
  usage: z.looseObject({}).nullish(),
})

const toolCallSchema = z.looseObject({
  index: z.number().nullish(),
  id: z.string().nullish(),
  type: z.string().nullish(),
  function: z.looseObject({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
})

interface ToolCall {
  id: string | null
  type: string
  function: { name: string; arguments: string }
}

export interface StreamAssembler {
  /** Takes one chunk; false when it is none. */
  add(event: unknown): boolean
  /** Whether a chunk said why the answer ended. */
  finished(): boolean
  partial(): { text: string; reasoning: string }
  completion(): unknown
}

export function createStreamAssembler(): StreamAssembler {
  const text: string[] = []
  const reasoning: string[] = []
  const tokenIds: number[] = []
  const logprobs: unknown[] = []
  const toolCalls = new Map<number, ToolCall>()
  let hasContent = false
  let top: Record<string, unknown> = {}
  let ofChoice: Record<string, unknown> = {}
  let finish: string | null = null

  return {
    add(event) {
      const parsed = chunkSchema.safeParse(event)
      if (!parsed.success) return false
      const { choices, usage, ...rest } = parsed.data
      top = { ...top, ...withoutNulls(rest), ...(usage ? { usage } : {}) }
      const choice = choices?.[0]
      if (!choice) return true
      const { delta, finish_reason, token_ids, logprobs: probabilities, index: _, ...extras } = choice
      ofChoice = { ...ofChoice, ...withoutNulls(extras) }
      if (typeof delta?.content === 'string') {
        hasContent = true
        text.push(delta.content)
      }
      const thought = delta?.reasoning_content ?? delta?.reasoning
      if (thought) reasoning.push(thought)
      for (const call of delta?.tool_calls ?? []) addToolCall(toolCalls, call)
      for (const id of token_ids ?? []) tokenIds.push(id)
      for (const entry of probabilities?.content ?? []) logprobs.push(entry)
      finish = finish_reason ?? finish
      return true
    },
    finished: () => finish !== null,
    partial: () => ({ text: text.join(''), reasoning: reasoning.join('') }),
    completion: () => ({
      ...top,
      choices: [
        {
          ...ofChoice,
          message: {
            content: hasContent ? text.join('') : null,
            ...(reasoning.length > 0 ? { reasoning_content: reasoning.join('') } : {}),
            ...(toolCalls.size > 0 ? { tool_calls: [...toolCalls.values()] } : {}),
          },
          finish_reason: finish,
          ...(tokenIds.length > 0 ? { token_ids: tokenIds } : {}),
          ...(logprobs.length > 0 ? { logprobs: { content: logprobs } } : {}),
        },
      ],
    }),
  }
}

/** The name of a called tool comes once, its arguments in pieces. */
function addToolCall(calls: Map<number, ToolCall>, piece: unknown): void {
  const parsed = toolCallSchema.safeParse(piece)
  if (!parsed.success) return
  const { index, id, type, function: called } = parsed.data
  const at = index ?? 0
  const call = calls.get(at) ?? { id: null, type: 'function', function: { name: '', arguments: '' } }
  calls.set(at, {
    id: id ?? call.id,
    type: type ?? call.type,
    function: {
      name: call.function.name + (called?.name ?? ''),
      arguments: call.function.arguments + (called?.arguments ?? ''),
    },
  })
}

function withoutNulls(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  )
}
