// The tokens of one call as the engine counted them: the end of what it read, what it sampled, and how sure
// it was. Sampled tokens are those that training may carry loss on; what was read never does.
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import { reassemble } from '../../../src/models/token-deltas.ts'
import { referenceSchema } from '../page.ts'
import { answers, HttpProblem, orNotFound } from '../problem.ts'
import type { ApiStore } from '../read-store.ts'
import { createRoutes } from './shared.ts'

const callTokensSchema = z
  .object({
    callId: z.string(),
    policyVersion: z.string().nullable().meta({ description: 'Which weights sampled them.' }),
    prompt: z
      .object({
        length: z.number(),
        ids: z.array(z.number()).meta({ description: 'The last ones, up to `promptLimit`.' }),
        extends: z.string().nullable().meta({
          description: 'The call whose prompt and completion this prompt begins with, id by id.',
        }),
      })
      .nullable()
      .meta({ description: 'Null when the engine told no ids of it.' }),
    completion: z
      .object({
        length: z.number(),
        ids: z.array(z.number()).meta({ description: 'The first ones, up to `limit`.' }),
        logprobs: z
          .array(z.number().nullable())
          .nullable()
          .meta({ description: 'Natural logarithms, one for each id; null where the engine had none.' }),
      })
      .nullable(),
  })
  .meta({ id: 'CallTokens' })
export type CallTokensView = z.infer<typeof callTokensSchema>

const tokensRoute = createRoute({
  method: 'get',
  path: '/calls/{trajectory}/{call}/tokens',
  summary: 'The token ids and logprobs of one call, where the engine told them',
  request: {
    params: z.object({ trajectory: referenceSchema, call: referenceSchema }),
    query: z.object({
      limit: z.coerce.number().int().min(1).max(1_000_000).default(4000),
      promptLimit: z.coerce.number().int().min(0).max(10_000_000).default(200),
    }),
  },
  responses: answers(callTokensSchema, 'The tokens.'),
})

export function callTokenRoutes(store: ApiStore) {
  return createRoutes().openapi(tokensRoute, async (context) => {
    const { trajectory, call: callId } = context.req.valid('param')
    const { limit, promptLimit } = context.req.valid('query')
    const tokens = await store.readTokens(await orNotFound(store.findTrajectory(trajectory)))
    const own = tokens.get(callId)
    if (!own) throw new HttpProblem(404, 'not_found', 'The engine told no tokens of this call.')
    const { prompt } = reassemble(tokens, callId)
    const { completion, logprobs, baseCallId, policyVersion = null } = own
    const answer: CallTokensView = {
      callId,
      policyVersion,
      prompt: prompt && {
        length: prompt.length,
        ids: promptLimit === 0 ? [] : [...prompt.subarray(-promptLimit)],
        extends: baseCallId,
      },
      completion: completion && {
        length: completion.length,
        ids: [...completion.subarray(0, limit)],
        logprobs:
          logprobs &&
          Array.from(logprobs.subarray(0, limit), (value) => (Number.isFinite(value) ? value : null)),
      },
    }
    return context.json(answer, 200)
  })
}
