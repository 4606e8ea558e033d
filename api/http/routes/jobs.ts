// Collection through the API: a run is started from a run file, paused, taken up, cancelled.
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import { UsageError } from '../../../src/errors.ts'
import type { Jobs } from '../jobs.ts'
import { answers, HttpProblem, jsonBody, orNotFound } from '../problem.ts'
import type { ApiStore } from '../read-store.ts'
import { runSchema } from './runs.ts'
import { createRoutes, runParameter } from './shared.ts'

const runFile = z
  .record(z.string(), z.unknown())
  .meta({ id: 'RunFile', description: 'A run file as JSON; `descent schema` prints its JSON Schema.' })

const createRunRoute = createRoute({
  method: 'post',
  path: '/runs',
  summary: 'Start a collection job in this process, or put its rollouts into the queue for workers',
  request: {
    query: z.object({
      queue: z.enum(['true', 'false']).optional().meta({
        description: 'true: for processes of `descent worker`, which share a PostgreSQL server.',
      }),
    }),
    body: jsonBody(runFile),
  },
  responses: answers(runSchema, 'The run, which goes on.'),
})

const verbs = {
  pause: 'Stop a run of this process or of workers; what is done stays',
  resume: 'Take up a run that was paused, interrupted or cancelled, or that has failed rollouts',
  cancel: 'Stop a run for good: it is not taken up by itself',
}

const actionRoute = createRoute({
  method: 'post',
  path: '/runs/{run}/{action}',
  summary: Object.entries(verbs)
    .map(([verb, what]) => `${verb}: ${what}`)
    .join('. '),
  request: { params: runParameter.extend({ action: z.enum(['pause', 'resume', 'cancel']) }) },
  responses: answers(runSchema, 'The run.'),
})

/** `jobs` is null on a server that only shows what is there. */
export function jobRoutes(store: ApiStore, jobs: Jobs | null) {
  function orRefuse(): Jobs {
    if (jobs) return jobs
    throw new HttpProblem(409, 'no_jobs', 'This server collects nothing: use `descent collect`.')
  }
  return createRoutes()
    .openapi(createRunRoute, async (context) => {
      const own = orRefuse()
      const queued = context.req.valid('query').queue === 'true'
      if (queued && !own.enqueue) {
        const detail =
          'Workers share a store on a PostgreSQL server: start this one with --store postgres://….'
        throw new HttpProblem(409, 'no_queue', detail)
      }
      const file = context.req.valid('json')
      const id = queued && own.enqueue ? await own.enqueue(file) : await own.start(file)
      return context.json(await store.summarizeRun(id), 200)
    })
    .openapi(actionRoute, async (context) => {
      const { run: reference, action } = context.req.valid('param')
      const run = await orNotFound(store.findRun(reference))
      const own = orRefuse()
      if (action === 'resume') {
        await own.resume(run).catch((error: unknown) => {
          throw error instanceof UsageError ? new HttpProblem(409, 'not_resumable', error.message) : error
        })
      } else {
        const stopped = await own.pause(run)
        if (!stopped && run.status === 'running') {
          const detail = 'This run is collected by another process: stop it there.'
          throw new HttpProblem(409, 'elsewhere', detail)
        }
        if (action === 'cancel' && run.status !== 'done') {
          await store.updateRun(run.id, { status: 'cancelled', endedAt: new Date().toISOString() })
        }
      }
      return context.json(await store.summarizeRun(run.id), 200)
    })
}
