// A trajectory as a tree, and its bodies: one call, one cell, one text, or everything as one JSON file.
import { createRoute } from '@hono/zod-openapi'
import type { TypedResponse } from 'hono'
import type { JSONParsed } from 'hono/utils/types'
import { z } from 'zod'
import { UsageError } from '../../../src/errors.ts'
import { preview } from '../../../src/preview.ts'
import { callSchema, trajectorySchema } from '../../../src/trajectory.ts'
import type { Trajectory } from '../../../src/trajectory.ts'
import { capCall, capCell, cutTextSchema, wholeText } from '../bodies.ts'
import { referenceSchema } from '../page.ts'
import { answers, HttpProblem, orNotFound, problemResponses } from '../problem.ts'
import type { ApiStore } from '../read-store.ts'
import { streamTrajectory } from '../raw.ts'
import { cellBodySchema, treeLimits, trajectoryTreeSchema } from '../tree.ts'
import type { TaskView } from '../tree.ts'
import { createRoutes, trajectoryParameter } from './shared.ts'

const treeRoute = createRoute({
  method: 'get',
  path: '/trajectories/{id}',
  summary: 'A trajectory as a tree, without message bodies',
  request: { params: trajectoryParameter },
  responses: answers(trajectoryTreeSchema, 'The tree.'),
})

const rawRoute = createRoute({
  method: 'get',
  path: '/trajectories/{id}/raw',
  summary: 'A whole trajectory as a JSON file',
  request: { params: trajectoryParameter },
  responses: answers(trajectorySchema, 'The trajectory, every text whole.'),
})

const limitQuery = z.object({
  limit: z.coerce.number().int().min(0).max(50_000_000).default(200_000).meta({
    description: 'Characters of each text; a longer one is cut, and `cut` says where the whole is.',
  }),
})

export const callBodySchema = callSchema.extend({ cut: z.array(cutTextSchema) }).meta({ id: 'CallBody' })
export const cellTextsSchema = cellBodySchema
  .extend({ cut: z.array(cutTextSchema) })
  .meta({ id: 'CellTexts' })

const callRoute = createRoute({
  method: 'get',
  path: '/calls/{trajectory}/{call}',
  summary: 'One call with its messages',
  request: { params: z.object({ trajectory: referenceSchema, call: referenceSchema }), query: limitQuery },
  responses: answers(callBodySchema, 'The call.'),
})

const cellRoute = createRoute({
  method: 'get',
  path: '/cells/{trajectory}/{cell}',
  summary: 'One cell with its texts',
  request: { params: z.object({ trajectory: referenceSchema, cell: referenceSchema }), query: limitQuery },
  responses: answers(cellTextsSchema, 'The cell.'),
})

const textRoute = createRoute({
  method: 'get',
  path: '/texts/{trajectory}/{kind}/{id}/{part}',
  summary: 'One whole text of a call or cell, as a file',
  request: {
    params: z.object({
      trajectory: referenceSchema,
      kind: z.enum(['call', 'cell']),
      id: referenceSchema,
      part: z.string().regex(/^(code|stdout|stderr|answer|response|reasoning|message-\d{1,6})$/),
    }),
  },
  responses: {
    200: { description: 'The text.', content: { 'text/plain': { schema: z.string() } } },
    ...problemResponses,
  },
})

export function trajectoryRoutes(store: ApiStore) {
  return createRoutes()
    .openapi(treeRoute, async (context) => {
      const id = await orNotFound(store.findTrajectory(context.req.valid('param').id))
      const skeleton = await orNotFound(store.readSkeleton(id))
      return context.json({ ...skeleton, task: await readTask(store, skeleton) }, 200)
    })
    .openapi(rawRoute, async (context) => {
      const id = await orNotFound(store.findTrajectory(context.req.valid('param').id))
      const trajectory = await orNotFound(store.readTrajectory(id))
      const headers = {
        'content-type': 'application/json',
        'content-disposition': `attachment; filename="trajectory-${trajectory.id}.json"`,
      }
      // Streamed, hence not through context.json, which is what the route's type is read from.
      const response = new Response(streamTrajectory(trajectory), { headers })
      return response as Response & TypedResponse<JSONParsed<Trajectory>, 200, 'json'>
    })
    .openapi(callRoute, async (context) => {
      const { trajectory, call: id } = context.req.valid('param')
      const found = await orNotFound(store.findTrajectory(trajectory))
      const call = await orNotFound(store.readCall(found, id))
      return context.json(capCall(found, call, context.req.valid('query').limit), 200)
    })
    .openapi(cellRoute, async (context) => {
      const { trajectory, cell: id } = context.req.valid('param')
      const found = await orNotFound(store.findTrajectory(trajectory))
      const cell = await orNotFound(store.readCell(found, id))
      return context.json(capCell(found, cell, context.req.valid('query').limit), 200)
    })
    .openapi(textRoute, async (context) => {
      const { trajectory, kind, id, part } = context.req.valid('param')
      const found = await orNotFound(store.findTrajectory(trajectory))
      const text =
        kind === 'call'
          ? wholeText(await orNotFound(store.readCall(found, id)), part)
          : wholeText(await orNotFound(store.readCell(found, id)), part)
      if (text === null) throw new HttpProblem(404, 'not_found', `This ${kind} has no such text.`)
      context.header('content-disposition', `attachment; filename="${part}.txt"`)
      return context.text(text, 200)
    })
}

async function readTask(
  store: ApiStore,
  { runId, taskId }: { runId: string; taskId: string },
): Promise<TaskView | null> {
  try {
    const task = await store.readTask(runId, taskId)
    return {
      prompt: preview(task.prompt, treeLimits.output),
      answer: task.answer,
      contextType: task.contextType,
      contextCharacters: task.contextCharacters,
    }
  } catch (error) {
    if (error instanceof UsageError) return null
    throw error
  }
}
