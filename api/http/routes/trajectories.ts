// A trajectory as a tree, and its bodies: one call, one cell, or everything as one JSON file.
import { createRoute, OpenAPIHono } from '@hono/zod-openapi'
import type { TypedResponse } from 'hono'
import type { JSONParsed } from 'hono/utils/types'
import { z } from 'zod'
import { UsageError } from '../../../src/errors.ts'
import { callSchema, trajectorySchema } from '../../../src/trajectory.ts'
import type { Trajectory } from '../../../src/trajectory.ts'
import { referenceSchema } from '../page.ts'
import { preview } from '../preview.ts'
import { HttpProblem, orNotFound, problemResponses, validationHook } from '../problem.ts'
import type { ReadStore } from '../read-store.ts'
import { streamTrajectory } from '../raw.ts'
import {
  cellBodySchema,
  findCall,
  findCell,
  treeLimits,
  trajectoryTree,
  trajectoryTreeSchema,
} from '../tree.ts'
import type { TaskView } from '../tree.ts'

const idParameter = z.object({ id: referenceSchema.meta({ description: 'An id, or a unique part of one.' }) })

const treeRoute = createRoute({
  method: 'get',
  path: '/trajectories/{id}',
  summary: 'A trajectory as a tree, without message bodies',
  request: { params: idParameter },
  responses: {
    200: { description: 'The tree.', content: { 'application/json': { schema: trajectoryTreeSchema } } },
    ...problemResponses,
  },
})

const rawRoute = createRoute({
  method: 'get',
  path: '/trajectories/{id}/raw',
  summary: 'A whole trajectory as a JSON file',
  request: { params: idParameter },
  responses: {
    200: {
      description: 'The trajectory, every text whole.',
      content: { 'application/json': { schema: trajectorySchema } },
    },
    ...problemResponses,
  },
})

const callRoute = createRoute({
  method: 'get',
  path: '/calls/{trajectory}/{call}',
  summary: 'One call with its messages',
  request: { params: z.object({ trajectory: referenceSchema, call: referenceSchema }) },
  responses: {
    200: { description: 'The call.', content: { 'application/json': { schema: callSchema } } },
    ...problemResponses,
  },
})

const cellRoute = createRoute({
  method: 'get',
  path: '/cells/{trajectory}/{cell}',
  summary: 'One cell with its whole texts',
  request: { params: z.object({ trajectory: referenceSchema, cell: referenceSchema }) },
  responses: {
    200: { description: 'The cell.', content: { 'application/json': { schema: cellBodySchema } } },
    ...problemResponses,
  },
})

export function trajectoryRoutes(store: ReadStore) {
  const read = rememberingReader(store)
  return new OpenAPIHono({ defaultHook: validationHook })
    .openapi(treeRoute, async (context) => {
      const trajectory = await read(context.req.valid('param').id, false)
      return context.json(trajectoryTree(trajectory, await readTask(store, trajectory)), 200)
    })
    .openapi(rawRoute, async (context) => {
      const trajectory = await read(context.req.valid('param').id, false)
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
      const call = findCall(await read(trajectory, true), id)
      if (!call) throw new HttpProblem(404, 'not_found', 'This trajectory has no call of this id.')
      return context.json(call, 200)
    })
    .openapi(cellRoute, async (context) => {
      const { trajectory, cell: id } = context.req.valid('param')
      const cell = findCell(await read(trajectory, true), id)
      if (!cell) throw new HttpProblem(404, 'not_found', 'This trajectory has no cell of this id.')
      const { calls: _calls, ...body } = cell
      return context.json(body, 200)
    })
}

/**
 * Reads trajectories and keeps the last finished one: who reads a trace asks for its calls one after
 * the other. Only calls and cells are answered from it, as these are never changed once it is done.
 */
function rememberingReader(store: ReadStore): (reference: string, settled: boolean) => Promise<Trajectory> {
  let last: Trajectory | null = null
  return async (reference, settled) => {
    if (settled && last?.id === reference) return last
    const id = await orNotFound(store.findTrajectory(reference))
    const trajectory = await orNotFound(store.readTrajectory(id))
    last = trajectory.status === 'done' ? trajectory : null
    return trajectory
  }
}

async function readTask(store: ReadStore, { runId, taskId }: Trajectory): Promise<TaskView | null> {
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
