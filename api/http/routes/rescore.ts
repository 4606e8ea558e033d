// Scoring of a stored run through the API, as `descent score` does it. What it has done is told line by line;
// scores are kept as they come, so a request that breaks off and is sent again does what is left.
import { setTimeout as sleep } from 'node:timers/promises'
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import { scoreRun, type StageResult } from '../../../rewards/stage.ts'
import { DescentError } from '../../../src/errors.ts'
import { rewardConfigSchema } from '../../../src/run-file.ts'
import { storedConfig } from '../../compose.ts'
import { openRewards } from '../../rewards.ts'
import { openRewardTools } from '../../reward-tools.ts'
import { HttpProblem, jsonBody, orNotFound, problemResponses } from '../problem.ts'
import type { ApiStore } from '../read-store.ts'
import { rowTypes, streamOf } from '../stream.ts'
import { createRoutes, runParameter } from './shared.ts'

const scoringSchema = z
  .strictObject({
    rewards: z.array(rewardConfigSchema).min(1).max(50).optional().meta({
      description: 'As in a run file; without them, those of the run.',
    }),
    again: z.boolean().default(false).meta({ description: 'Scores that are there are computed too.' }),
    limit: z.number().int().min(1).optional().meta({ description: 'Only so many trajectories.' }),
    concurrency: z.number().int().min(1).max(256).default(8).meta({ description: 'Trajectories at once.' }),
  })
  .meta({ id: 'Scoring' })

/** A line of a scoring, `of` so many trajectories; the last one has `done`, or `error`. */
export type ScoringLine =
  | (StageResult & { of: number; done?: true; meanReward?: number | null })
  | { error: string }

const scoreRoute = createRoute({
  method: 'post',
  path: '/runs/{run}/scores',
  summary: 'Score what is not scored yet, or all of it again: a line of JSON now and then, how far it is',
  request: { params: runParameter, body: jsonBody(scoringSchema) },
  responses: {
    200: {
      description: 'How far it is; at last a line with `done`, or with `error` when it cannot go on.',
      content: { [rowTypes.jsonl]: { schema: z.string() } },
    },
    ...problemResponses,
  },
})

const tellMilliseconds = 500

/** `directory`: what paths in rewards are relative to. */
export function rescoreRoutes(store: ApiStore, directory = process.cwd()) {
  const open = new Set<string>()
  return createRoutes().openapi(scoreRoute, async (context) => {
    const run = await orNotFound(store.findRun(context.req.valid('param').run))
    const { rewards: given, limit, ...options } = context.req.valid('json')
    const configs = given ?? storedConfig(run).config.rewards
    if (configs.length === 0)
      throw new HttpProblem(409, 'no_rewards', 'This run names no rewards: name some in the request.')
    const rewards = await openRewards(configs, directory)
    const { done } = await store.summarizeRun(run.id)
    const of = Math.min(done, limit ?? done)
    if (open.has(run.id))
      throw new HttpProblem(409, 'being_scored', 'This run is being scored already: wait for it.')
    open.add(run.id)
    const aborter = new AbortController()
    context.req.raw.signal.addEventListener('abort', () => aborter.abort(new Error('nobody reads')))
    const { signal } = aborter
    const body = streamOf(async (write) => {
      const line = (value: ScoringLine) => write(new TextEncoder().encode(`${JSON.stringify(value)}\n`))
      const opened = openRewardTools({ signal })
      let soFar: StageResult = { trajectories: 0, scored: 0, scores: 0, errors: 0, skipped: 0 }
      const work = scoreRun({
        store,
        runId: run.id,
        rewards,
        tools: opened.tools,
        signal,
        ...options,
        ...(limit === undefined ? {} : { limit }),
        onProgress: (now) => (soFar = now),
      })
      const settled = work.then(
        () => true,
        () => true,
      )
      try {
        while (!(await Promise.race([settled, sleep(tellMilliseconds, false)]))) await line({ ...soFar, of })
        const result = await work
        const { meanReward } = await store.summarizeRun(run.id)
        await line({ ...result, of, done: true, meanReward })
      } catch (error) {
        if (signal.aborted) throw error
        await line({ error: error instanceof DescentError ? error.message : 'The scoring failed.' })
      } finally {
        aborter.abort(new Error('nobody reads'))
        await settled
        await opened.close()
        open.delete(run.id)
      }
    })
    return context.body(body, 200, { 'content-type': rowTypes.jsonl })
  })
}
