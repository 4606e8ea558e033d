// A trajectory as its skeleton: everything that places, measures and explains a node, with texts cut
// short and message bodies left out. Bodies are read one call or one cell at a time.
import { z } from 'zod'
import { previewSchema } from './preview.ts'
import { callSchema, cellSchema, invocationSchema, trajectorySchema, turnSchema } from './trajectory.ts'

/** Limits in UTF-16 units: of code and outputs, of what a call's node shows, of an answer in a list. */
export const treeLimits = { output: 4000, call: 200, listAnswer: 300 }

export const callNodeSchema = callSchema
  .omit({ messages: true, response: true, sampling: true })
  .extend({
    messages: z.number().meta({ description: 'How many messages were sent.' }),
    prompt: previewSchema.meta({ description: 'The last message sent.' }),
    response: z.object({
      text: previewSchema.nullable(),
      reasoning: previewSchema.nullable(),
      finishReason: z.string().nullable(),
    }),
  })
  .meta({ id: 'CallNode', description: 'A call without its messages.' })
export type CallNode = z.infer<typeof callNodeSchema>

export const cellNodeSchema = cellSchema
  .omit({ stdoutCharacters: true, stderrCharacters: true })
  .extend({
    code: previewSchema,
    stdout: previewSchema,
    stderr: previewSchema,
    error: z.object({ type: z.string(), message: previewSchema, traceback: previewSchema }).nullable(),
    finalAnswer: previewSchema.nullable(),
    calls: z.array(callNodeSchema),
  })
  .meta({ id: 'CellNode' })
export type CellNode = z.infer<typeof cellNodeSchema>

export const turnNodeSchema = turnSchema
  .extend({ call: callNodeSchema, cells: z.array(cellNodeSchema) })
  .meta({ id: 'TurnNode' })
export type TurnNode = z.infer<typeof turnNodeSchema>

export const invocationNodeSchema = invocationSchema
  .extend({ answer: previewSchema.nullable(), turns: z.array(turnNodeSchema) })
  .meta({ id: 'InvocationNode' })
export type InvocationNode = z.infer<typeof invocationNodeSchema>

export const partScoreSchema = z
  .object({
    reward: z.string(),
    value: z.number().nullable(),
    invocationId: z.string().nullable(),
    turnId: z.string().nullable(),
  })
  .meta({ id: 'PartScore', description: 'The newest value of a reward for one turn or one invocation.' })
export type PartScore = z.infer<typeof partScoreSchema>

export const skeletonSchema = trajectorySchema.extend({
  partScores: z.array(partScoreSchema),
  answer: previewSchema.nullable(),
  invocations: z.array(invocationNodeSchema),
  lostCalls: z.array(callNodeSchema),
})
export type Skeleton = z.infer<typeof skeletonSchema>

/** A cell with whole texts and without its calls. */
export const cellBodySchema = cellSchema.omit({ calls: true }).meta({ id: 'CellBody' })
export type CellBody = z.infer<typeof cellBodySchema>
