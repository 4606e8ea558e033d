// The door for clients of OpenAI: a chat request is answered by an RLM of this server, or passed on to the
// server behind. A session in the headers always means the latter; without one it is the RLM where there is one.
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import type { Proxy } from '../proxy/index.ts'
import { answers, HttpProblem, jsonBody, problemResponses } from '../problem.ts'
import { answerChat } from '../rlm/answer.ts'
import type { Rlm } from '../rlm/index.ts'
import { completionSchema, trajectoryHeader } from '../rlm/reply.ts'
import { describedAskSchema } from '../rlm/request.ts'
import { chatSchema, passOn, sessionName } from './proxy.ts'
import { createRoutes } from './shared.ts'

const headers = z.object({
  'x-descent-session': sessionName.optional().meta({
    description:
      'Pass the request on and record it in this session. Left out on a server without an RLM: `default`.',
  }),
})

const chatRoute = createRoute({
  method: 'post',
  path: '/chat/completions',
  summary: 'A chat request, answered by an RLM (descent serve --rlm) or passed on (--proxy-to); recorded',
  request: {
    headers,
    body: jsonBody(
      chatSchema.extend({
        // Checked where it is used: a request that is passed on may have a field of this name.
        descent: z.union([describedAskSchema, z.unknown()]).optional().meta({ description: 'For an RLM.' }),
      }),
    ),
  },
  responses: {
    200: {
      description: 'A chat completion; events of chunks with `stream`.',
      headers: z.object({
        [trajectoryHeader]: z.string().optional().meta({ description: 'The recorded trajectory of an RLM.' }),
      }),
      content: {
        'application/json': { schema: completionSchema },
        'text/event-stream': { schema: z.string() },
      },
    },
    ...problemResponses,
  },
})

const modelSchema = z
  .object({ id: z.string(), object: z.literal('model'), created: z.number(), owned_by: z.string() })
  .meta({ id: 'ServedModel', description: 'As OpenAI has it.' })

const modelsRoute = createRoute({
  method: 'get',
  path: '/models',
  summary: 'The RLMs that answer chat requests, by the names of their run files',
  responses: answers(
    z.object({ object: z.literal('list'), data: z.array(modelSchema) }).meta({ id: 'ServedModels' }),
    'All of them.',
  ),
})

const modelRoute = createRoute({
  method: 'get',
  path: '/models/{model}',
  summary: 'One of them',
  request: { params: z.object({ model: z.string().max(500) }) },
  responses: answers(modelSchema, 'The RLM of this name.'),
})

/** Either is null on a server that has none. */
export function chatRoutes(rlm: Rlm | null, proxy: Proxy | null) {
  const models = (rlm?.models ?? []).map(
    (model) => ({ ...model, object: 'model', owned_by: 'descent' }) as const,
  )
  return createRoutes()
    .openapi(chatRoute, async (context) => {
      const body = context.req.valid('json')
      const { signal } = context.req.raw
      const session = context.req.valid('header')['x-descent-session']
      if (rlm && session === undefined) return await answerChat(rlm, body, signal)
      if (!rlm && !proxy) {
        const detail =
          'Nothing answers chat requests here: start with `descent serve --rlm RUN.yaml`, or --proxy-to URL.'
        throw new HttpProblem(409, 'no_model', detail)
      }
      return await passOn(proxy, session ?? 'default', body, signal)
    })
    .openapi(modelsRoute, (context) => context.json({ object: 'list' as const, data: models }, 200))
    .openapi(modelRoute, (context) => {
      const { model } = context.req.valid('param')
      const found = models.find(({ id }) => id === model)
      if (found) return context.json(found, 200)
      const known = models.map(({ id }) => `"${id}"`).join(', ') || 'none'
      throw new HttpProblem(404, 'model_not_found', `There is no model of this name; there is ${known}.`)
    })
}
