// Runs beside each other: their figures, and what differs task by task between two.
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import { pairedTest } from '../../../rewards/statistics/resample.ts'
import type { Group } from '../../../src/store/contract.ts'
import { answers, HttpProblem, orNotFound } from '../problem.ts'
import type { ApiStore } from '../read-store.ts'
import { statisticsSchema } from './run-trajectories.ts'
import { runItemSchema } from './runs.ts'
import { createRoutes, plainText, selectionQuerySchema } from './shared.ts'

const mostTasks = 20_000
const shownTasks = 500

const intervalSchema = z.object({ low: z.number(), high: z.number() })

export const comparisonSchema = z
  .object({
    runs: z.array(z.object({ run: runItemSchema, statistics: statisticsSchema })),
    paired: z
      .object({
        pairs: z.number(),
        meanA: z.number(),
        meanB: z.number(),
        difference: z.number(),
        interval: intervalSchema.nullable(),
        pValue: z.number(),
        exact: z.boolean(),
      })
      .nullable()
      .meta({
        description: 'Of exactly two runs: the tasks that both have scored (paired permutation test).',
      }),
    tasks: z
      .array(z.object({ taskId: z.string(), means: z.array(z.number().nullable()) }))
      .meta({ description: 'Mean reward by task and run, the largest differences first; 500 at most.' }),
  })
  .meta({ id: 'Comparison' })
export type Comparison = z.infer<typeof comparisonSchema>

const route = createRoute({
  method: 'get',
  path: '/compare',
  summary: 'Runs beside each other, task by task',
  request: {
    query: selectionQuerySchema.extend({
      runs: plainText.pipe(z.string().regex(/^[0-9A-Za-z-]{1,64}(,[0-9A-Za-z-]{1,64}){0,7}$/)).meta({
        description: 'One to eight runs, with commas between: ids, parts of them, or `latest`.',
      }),
    }),
  },
  responses: answers(comparisonSchema, 'The comparison.'),
})

export function compareRoutes(store: ApiStore) {
  return createRoutes().openapi(route, async (context) => {
    const { runs: references, ...selection } = context.req.valid('query')
    const runs = []
    const means: Map<string, number>[] = []
    for (const reference of references.split(',')) {
      const { id } = await orNotFound(store.findRun(reference))
      const { config: _config, ...run } = await store.summarizeRun(id)
      runs.push({ run, statistics: await store.runStatistics(id, selection) })
      means.push(await taskMeans(store, id))
    }
    return context.json({ runs, paired: compare(means), tasks: tasksOf(means) }, 200)
  })
}

async function taskMeans(store: ApiStore, runId: string): Promise<Map<string, number>> {
  const means = new Map<string, number>()
  let cursor: string | null = null
  do {
    const page: { items: Group[]; next: string | null } = await store.listGroups(runId, {
      limit: 1000,
      cursor,
    })
    for (const { taskId, mean } of page.items) if (mean !== null) means.set(taskId, mean)
    if (means.size > mostTasks) {
      throw new HttpProblem(400, 'too_many_tasks', `Runs of up to ${mostTasks} tasks are compared.`)
    }
    cursor = page.next
  } while (cursor !== null)
  return means
}

function compare([first, second, ...others]: Map<string, number>[]): Comparison['paired'] {
  if (!first || !second || others.length > 0) return null
  const pairs = [...first].flatMap(([taskId, a]) => {
    const b = second.get(taskId)
    return b === undefined ? [] : [{ a, b }]
  })
  return pairedTest(pairs, { seed: 0 })
}

function tasksOf(means: Map<string, number>[]): Comparison['tasks'] {
  const ids = new Set(means.flatMap((ofRun) => [...ofRun.keys()]))
  const spread = (values: (number | null)[]) => {
    const known = values.filter((value) => value !== null)
    return known.length < 2 ? -1 : Math.max(...known) - Math.min(...known)
  }
  return [...ids]
    .map((taskId) => ({ taskId, means: means.map((ofRun) => ofRun.get(taskId) ?? null) }))
    .toSorted((a, b) => spread(b.means) - spread(a.means))
    .slice(0, shownTasks)
}
