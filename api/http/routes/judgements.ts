// What rewards and people say of trajectories: scores with their history, human scores, labels and notes.
import { createRoute } from '@hono/zod-openapi'
import { z } from 'zod'
import { hashOf } from '../../../src/hash.ts'
import { newId } from '../../../src/ids.ts'
import type { Annotation, Store } from '../../../src/store/contract.ts'
import { errorRecordSchema } from '../../../src/trajectory.ts'
import { pageQuerySchema, pageSchema, referenceSchema } from '../page.ts'
import { answers, HttpProblem, jsonBody, orBadCursor, orNotFound } from '../problem.ts'
import type { ApiStore } from '../read-store.ts'
import { createRoutes, plainText, runParameter, trajectoryParameter } from './shared.ts'

export const storedScoreSchema = z
  .object({
    id: z.string(),
    reward: z.string(),
    version: z.string(),
    optionsHash: z.string(),
    weight: z.number(),
    value: z.number().nullable(),
    error: errorRecordSchema.nullable(),
    details: z.record(z.string(), z.unknown()).nullable(),
    author: z.string(),
    createdAt: z.string(),
  })
  .meta({ id: 'StoredScore', description: 'A score with who gave it and when; the newest of a kind counts.' })
export type ScoreItem = z.infer<typeof storedScoreSchema>

const scoreListSchema = z.object({ items: z.array(storedScoreSchema) }).meta({ id: 'ScoreList' })

const newScoreSchema = z
  .strictObject({
    value: z.number().meta({ description: 'Any finite number; rewards are usually 0 to 1.' }),
    reason: plainText.pipe(z.string().trim().min(1).max(4000)),
    reward: plainText.pipe(z.string().regex(/^[\p{L}\p{N}_.:/@-]{1,60}$/u)).default('human'),
    weight: z.number().default(0).meta({ description: 'What it weighs in the reward; 0 by default.' }),
  })
  .meta({ id: 'NewScore' })

const targets = ['trajectory', 'invocation', 'turn', 'cell', 'call'] as const

export const annotationSchema = z
  .object({
    id: z.string(),
    runId: z.string(),
    trajectoryId: z.string(),
    target: z.enum(targets),
    targetId: z.string(),
    label: z.string().nullable(),
    note: z.string(),
    author: z.string(),
    createdAt: z.string(),
  })
  .meta({ id: 'Annotation' }) satisfies z.ZodType<Annotation>

const newAnnotationSchema = z
  .strictObject({
    target: z.enum(targets).default('trajectory'),
    targetId: z.uuid().optional().meta({ description: 'Left out for the trajectory itself.' }),
    label: plainText.pipe(z.string().trim().min(1).max(60)).nullable().default(null).meta({
      description:
        '`good` or `bad` on a trajectory is also a score named `label` (1 or 0, weight 0), to select and to train by.',
    }),
    note: plainText.pipe(z.string().max(10_000)).default(''),
  })
  .refine(({ label, note }) => label !== null || note.trim() !== '', 'give a label or a note')
  .meta({ id: 'NewAnnotation' })

const scoresRoute = createRoute({
  method: 'get',
  path: '/trajectories/{id}/scores',
  summary: 'Every score that a trajectory was given, oldest first',
  request: { params: trajectoryParameter },
  responses: answers(scoreListSchema, 'The scores.'),
})

const scoreRoute = createRoute({
  method: 'post',
  path: '/trajectories/{id}/scores',
  summary: 'Give a trajectory a score by hand',
  request: { params: trajectoryParameter, body: jsonBody(newScoreSchema) },
  responses: answers(scoreListSchema, 'All its scores, the new one last.'),
})

const listRoute = createRoute({
  method: 'get',
  path: '/trajectories/{id}/annotations',
  summary: 'The labels and notes of a trajectory and its parts, oldest first',
  request: { params: trajectoryParameter, query: pageQuerySchema },
  responses: answers(pageSchema('AnnotationPage', annotationSchema), 'A page of annotations.'),
})

const ofRunRoute = createRoute({
  method: 'get',
  path: '/runs/{run}/annotations',
  summary: 'The labels and notes in a run, newest first',
  request: {
    params: runParameter,
    query: pageQuerySchema.extend({ label: plainText.pipe(z.string().max(60)).optional() }),
  },
  responses: answers(pageSchema('RunAnnotationPage', annotationSchema), 'A page of annotations.'),
})

const addRoute = createRoute({
  method: 'post',
  path: '/trajectories/{id}/annotations',
  summary: 'Label a trajectory or a part of it, or leave a note',
  request: { params: trajectoryParameter, body: jsonBody(newAnnotationSchema) },
  responses: answers(annotationSchema, 'The annotation.'),
})

const removeRoute = createRoute({
  method: 'delete',
  path: '/annotations/{id}',
  summary: 'Take an annotation away',
  request: { params: z.object({ id: referenceSchema }) },
  responses: answers(annotationSchema, 'What it was.'),
})

export function judgementRoutes(store: ApiStore) {
  return createRoutes()
    .openapi(scoresRoute, async (context) => {
      const id = await orNotFound(store.findTrajectory(context.req.valid('param').id))
      return context.json({ items: await store.scoreHistory(id) }, 200)
    })
    .openapi(scoreRoute, async (context) => {
      const { id: trajectoryId, runId } = await findRow(store, context.req.valid('param').id)
      const { value, reason, reward, weight } = context.req.valid('json')
      await addHumanScore(store, { runId, trajectoryId, reward, value, weight, reason }, context.var.author)
      return context.json({ items: await store.scoreHistory(trajectoryId) }, 200)
    })
    .openapi(listRoute, async (context) => {
      const trajectoryId = await orNotFound(store.findTrajectory(context.req.valid('param').id))
      const { limit, cursor } = context.req.valid('query')
      const page = store.listAnnotations({ trajectoryId }, { limit, cursor: cursor ?? null })
      return context.json(await orBadCursor(page), 200)
    })
    .openapi(ofRunRoute, async (context) => {
      const { id: runId } = await orNotFound(store.findRun(context.req.valid('param').run))
      const { limit, cursor, label } = context.req.valid('query')
      const page = store.listAnnotations({ runId, label }, { limit, cursor: cursor ?? null })
      return context.json(await orBadCursor(page), 200)
    })
    .openapi(addRoute, async (context) => {
      const { id: trajectoryId, runId } = await findRow(store, context.req.valid('param').id)
      const { target, targetId = trajectoryId, label, note } = context.req.valid('json')
      if (target !== 'trajectory') await checkTarget(store, trajectoryId, target, targetId)
      const { author } = context.var
      const place = { runId, trajectoryId }
      const annotation = await store.addAnnotation({
        ...place,
        id: newId(),
        target,
        targetId: target === 'trajectory' ? trajectoryId : targetId,
        label,
        note,
        author,
      })
      if (target === 'trajectory' && (label === 'good' || label === 'bad')) {
        const value = label === 'good' ? 1 : 0
        const score = { ...place, reward: 'label', value, weight: 0, reason: note || label }
        await addHumanScore(store, score, author)
      }
      return context.json(annotation, 200)
    })
    .openapi(removeRoute, async (context) => {
      const { id } = context.req.valid('param')
      return context.json(await orNotFound(store.removeAnnotation(id)), 200)
    })
}

async function findRow(store: ApiStore, reference: string): Promise<{ id: string; runId: string }> {
  const id = await orNotFound(store.findTrajectory(reference))
  return { id, runId: (await store.readSkeleton(id)).runId }
}

async function checkTarget(
  store: ApiStore,
  trajectoryId: string,
  target: Annotation['target'],
  targetId: string,
): Promise<void> {
  const { invocations, lostCalls } = await store.readSkeleton(trajectoryId)
  const turns = invocations.flatMap((invocation) => invocation.turns)
  const cells = turns.flatMap((turn) => turn.cells)
  const ids = {
    trajectory: [trajectoryId],
    invocation: invocations.map(({ id }) => id),
    turn: turns.map(({ id }) => id),
    cell: cells.map(({ id }) => id),
    call: [
      ...turns.map(({ call }) => call.id),
      ...cells.flatMap(({ calls }) => calls.map(({ id }) => id)),
      ...lostCalls.map(({ id }) => id),
    ],
  }
  if (!ids[target].includes(targetId)) {
    throw new HttpProblem(404, 'not_found', `This trajectory has no ${target} of this id.`)
  }
}

async function addHumanScore(
  store: Pick<Store, 'addScores'>,
  score: {
    runId: string
    trajectoryId: string
    reward: string
    value: number
    weight: number
    reason: string
  },
  author: string,
): Promise<void> {
  const { reason, ...given } = score
  const options = { author }
  await store.addScores([
    {
      ...given,
      id: newId(),
      version: '1',
      options,
      optionsHash: hashOf(options),
      details: { reason },
      author: `human:${author}`,
    },
  ])
}
