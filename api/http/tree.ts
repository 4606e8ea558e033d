// What the trajectory routes answer with, beside the skeleton: the task, and rows of lists.
import { z } from 'zod'
import { previewOrNull, previewSchema } from '../../src/preview.ts'
import { skeletonSchema, treeLimits } from '../../src/skeleton.ts'
import { trajectoryRowSchema } from '../../src/trajectory.ts'
import type { TrajectoryRow } from '../../src/trajectory.ts'

export * from '../../src/skeleton.ts'

export const taskViewSchema = z
  .object({
    prompt: previewSchema,
    answer: z.unknown().meta({ description: 'The gold answer.' }),
    contextType: z.string(),
    contextCharacters: z.number(),
  })
  .meta({ id: 'TaskView' })
export type TaskView = z.infer<typeof taskViewSchema>

export const trajectoryTreeSchema = skeletonSchema
  .extend({ task: taskViewSchema.nullable().meta({ description: 'Null when the task is not stored.' }) })
  .meta({ id: 'TrajectoryTree', description: 'A trajectory without message bodies; texts are previews.' })
export type TrajectoryTree = z.infer<typeof trajectoryTreeSchema>

export const trajectoryItemSchema = trajectoryRowSchema
  .omit({ answerTruncated: true })
  .extend({ answer: previewSchema.nullable() })
  .meta({ id: 'TrajectoryItem' })
export type TrajectoryItem = z.infer<typeof trajectoryItemSchema>

export function trajectoryItem({ answerTruncated, ...row }: TrajectoryRow): TrajectoryItem {
  const answer = previewOrNull(row.answer, treeLimits.listAnswer)
  return {
    ...row,
    answer: answer && answerTruncated ? { ...answer, characters: null, truncated: true } : answer,
  }
}
