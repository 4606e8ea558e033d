// A stored trajectory run again: replayed, which asks no model, or forked, which does.
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import type { ReplayedCell } from '../../../collectors/replay-trajectory.ts'
import { DescentError } from '../../../src/errors.ts'
import type { Store } from '../../../src/store/contract.ts'
import { divergenceSchema } from '../../../src/trajectory.ts'
import { planFork } from '../../fork.ts'
import { replayStored } from '../../replay.ts'
import type { Jobs } from '../jobs.ts'
import { answers, HttpProblem, jsonBody, orNotFound, problemResponses } from '../problem.ts'
import type { ApiStore } from '../read-store.ts'
import { rowTypes, streamOf } from '../stream.ts'
import { runSchema } from './runs.ts'
import { createRoutes, plainText, trajectoryParameter } from './shared.ts'

const replayedCellSchema = z.object({
  cellId: z.string(),
  turn: z.number(),
  cell: z.number(),
  depth: z.number(),
  /** `skipped`: its REPL was killed then or later. */
  outcome: z.enum(['same', 'differs', 'skipped']),
  divergence: divergenceSchema.nullable(),
})
/** A line of a replay. */
export type ReplayedCellView = z.infer<typeof replayedCellSchema>

const replayRoute = createRoute({
  method: 'post',
  path: '/trajectories/{id}/replay',
  summary: 'Execute its cells again with the recorded answers of models: a line of JSON for each cell',
  request: { params: trajectoryParameter },
  responses: {
    200: {
      description: 'The cells as they are executed; a line with `error` when it cannot go on.',
      content: { [rowTypes.jsonl]: { schema: z.string() } },
    },
    ...problemResponses,
  },
})

const forkSchema = z
  .strictObject({
    turns: z.number().int().min(1).meta({ description: 'Turns of the root that are kept.' }),
    rollouts: z.number().int().min(1).max(64).default(4),
    model: plainText.pipe(z.string().trim().min(1).max(200)).optional().meta({
      description: 'Another model for the root, on the same server.',
    }),
    temperature: z.number().min(0).max(2).optional(),
  })
  .meta({ id: 'NewFork' })

const forkRoute = createRoute({
  method: 'post',
  path: '/trajectories/{id}/forks',
  summary: 'Keep its first turns and let the models of its run go on from there, as a run of its own',
  request: { params: trajectoryParameter, body: jsonBody(forkSchema) },
  responses: answers(runSchema, 'The run, which goes on.'),
})

const mostReplays = 2

/** `jobs` is null on a server that collects nothing. `directory`: what paths of run files are relative to. */
export function rerunRoutes(store: ApiStore, jobs: Jobs | null, directory = process.cwd()) {
  let replays = 0
  return createRoutes()
    .openapi(replayRoute, async (context) => {
      const id = await orNotFound(store.findTrajectory(context.req.valid('param').id))
      if (replays >= mostReplays)
        throw new HttpProblem(429, 'too_many_replays', `${mostReplays} replays are running: wait for them.`)
      const aborter = new AbortController()
      context.req.raw.signal.addEventListener('abort', () => aborter.abort(new Error('nobody reads')))
      const cells = replayStored(store as Store, id, aborter.signal)
      replays += 1
      // What keeps it from beginning is a problem to tell before the stream does.
      const first = await cells.next().catch((error: unknown) => {
        replays -= 1
        throw error instanceof DescentError ? new HttpProblem(409, error.code, error.message) : error
      })
      const body = streamOf(async (write) => {
        const line = (value: object) => write(new TextEncoder().encode(`${JSON.stringify(value)}\n`))
        try {
          for (let next: IteratorResult<ReplayedCell> = first; !next.done; next = await cells.next())
            await line(next.value)
        } catch (error) {
          if (aborter.signal.aborted) throw error
          const message = error instanceof DescentError ? error.message : 'The replay failed.'
          await line({ error: message })
        } finally {
          aborter.abort()
          await cells.return(undefined)
          replays -= 1
        }
      })
      return context.body(body, 200, { 'content-type': rowTypes.jsonl })
    })
    .openapi(forkRoute, async (context) => {
      const id = await orNotFound(store.findTrajectory(context.req.valid('param').id))
      if (!jobs) throw new HttpProblem(409, 'no_jobs', 'This server collects nothing: use `descent fork`.')
      const { run } = await planFork(store as Store, id, context.req.valid('json'), directory)
      await jobs.resume(run)
      return context.json(await store.summarizeRun(run.id), 200)
    })
}
