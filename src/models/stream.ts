// Puts a streamed chat completion together again, in the shape of an unstreamed one.
import { z } from 'zod'

const chunkSchema = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        delta: z
          .looseObject({
            content: z.string().nullish(),
            reasoning_content: z.string().nullish(),
            reasoning: z.string().nullish(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
        token_ids: z.array(z.number()).nullish(),
        logprobs: z.looseObject({ content: z.array(z.unknown()).nullish() }).nullish(),
      }),
    )
    .nullish(),
  usage: z.looseObject({}).nullish(),
  prompt_token_ids: z.array(z.number()).nullish(),
})

export async function assembleStream(chunks: AsyncIterable<unknown>): Promise<unknown> {
  const text: string[] = []
  const reasoning: string[] = []
  const tokenIds: number[] = []
  const logprobs: unknown[] = []
  let top: Record<string, unknown> = {}
  let finish: string | null = null
  for await (const raw of chunks) {
    const chunk = chunkSchema.parse(raw)
    const { choices, usage, ...rest } = chunk
    top = { ...top, ...rest, ...(usage ? { usage } : {}) }
    const choice = choices?.[0]
    if (!choice) continue
    if (choice.delta?.content) text.push(choice.delta.content)
    const thought = choice.delta?.reasoning_content ?? choice.delta?.reasoning
    if (thought) reasoning.push(thought)
    if (choice.token_ids) tokenIds.push(...choice.token_ids)
    if (choice.logprobs?.content) logprobs.push(...choice.logprobs.content)
    finish = choice.finish_reason ?? finish
  }
  return {
    ...top,
    choices: [
      {
        message: {
          content: text.join(''),
          ...(reasoning.length > 0 ? { reasoning_content: reasoning.join('') } : {}),
        },
        finish_reason: finish,
        ...(tokenIds.length > 0 ? { token_ids: tokenIds } : {}),
        ...(logprobs.length > 0 ? { logprobs: { content: logprobs } } : {}),
      },
    ],
  }
}
