// Recording another harness: pointed at a session by its base URL, it is recorded call by call.
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import type { Proxy } from '../proxy/index.ts'
import { answers, HttpProblem, jsonBody, problemResponses } from '../problem.ts'
import { createRoutes } from './shared.ts'

export const sessionName = z.string().regex(/^[\w.-]{1,100}$/, 'expected letters, digits, dots, hyphens')

export const chatSchema = z
  .looseObject({
    model: z.string().max(500),
    messages: z
      .array(z.looseObject({ role: z.string().max(40), content: z.unknown().optional() }))
      .min(1)
      .max(10_000),
    stream: z.boolean().nullish(),
  })
  .meta({ id: 'ChatRequest', description: 'As OpenAI has it; further fields are passed on.' })

const completion = {
  200: {
    description: 'The answer of the server behind, as it is.',
    content: { 'application/json': { schema: z.unknown() } },
  },
  ...problemResponses,
} as const

const namedRoute = createRoute({
  method: 'post',
  path: '/proxy/{session}/chat/completions',
  summary: 'A chat request, passed on and recorded in the session of the path',
  request: { params: z.object({ session: sessionName }), body: jsonBody(chatSchema) },
  responses: completion,
})

const endRoute = createRoute({
  method: 'post',
  path: '/proxy/{session}/end',
  summary: 'End a session; a silent one ends by itself after 15 minutes',
  request: { params: z.object({ session: sessionName }) },
  responses: answers(
    z.object({ runId: z.string(), trajectoryId: z.string() }).meta({ id: 'EndedSession' }),
    'What it was recorded as.',
  ),
})

/** `proxy` is null on a server that has none behind it. */
export async function passOn(
  proxy: Proxy | null,
  session: string,
  body: Record<string, unknown>,
  signal: AbortSignal,
): Promise<Response> {
  if (!proxy) {
    const detail = 'There is no model server behind: start with `descent serve --proxy-to URL`.'
    throw new HttpProblem(409, 'no_proxy', detail)
  }
  try {
    return await proxy.complete(session, body, signal)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new HttpProblem(502, 'upstream_unreachable', 'The model server behind cannot be reached.')
  }
}

export function proxyRoutes(proxy: Proxy | null) {
  return createRoutes()
    .openapi(namedRoute, async (context) => {
      const { session } = context.req.valid('param')
      return (await passOn(proxy, session, context.req.valid('json'), context.req.raw.signal)) as never
    })
    .openapi(endRoute, async (context) => {
      const ended = await proxy?.end(context.req.valid('param').session)
      if (!ended) throw new HttpProblem(404, 'not_found', 'There is no open session of this name.')
      return context.json(ended, 200)
    })
}
