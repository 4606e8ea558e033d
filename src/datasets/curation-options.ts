// The options of selection, cleaning and repair beside those that every export has: one shape for
// commands, run files and the API.
import { z } from 'zod'
import { splitUnits } from './split.ts'

const taskset = z.union([
  z.string().min(1),
  z.strictObject({ taskset: z.string(), options: z.record(z.string(), z.unknown()).default({}) }),
])

export const curationShape = {
  maxPerTaskset: z.number().int().positive().optional(),
  /** As many of each taskset as the smallest one has. */
  balance: z.boolean().optional(),
  /** Why tasks marked `sensitive` are not left out: a sentence, which the manifest keeps. */
  includeSensitive: z.string().trim().min(1).optional(),
  /** Cleaning rules, `NAME` or `NAME=VALUE`. */
  clean: z.array(z.string()).optional(),
  /** Repairs of protocol mistakes: `all`, names, and `-NAME` for one that is switched off. */
  repair: z.array(z.string()).optional(),
  /** Tasksets, or task files, that the training set must not overlap with. */
  evaluation: z.array(taskset).optional(),
  /** Of the dataset, by the Hub's short names, such as `apache-2.0`; `unknown` when not given. */
  license: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]*$/, 'a short name as on the Hub, such as apache-2.0')
    .optional(),
  /** By the name of a model as the server knows it; the card names them, and what is not stated. */
  modelLicenses: z.record(z.string(), z.string().trim().min(1)).optional(),
  /** The directory of the tokenizer that counts for the rule `prompt-tokens`. */
  cleanTokenizer: z.string().min(1).optional(),
}

export type CurationSettings = z.output<z.ZodObject<typeof curationShape>>

/**
 * What to make of trajectories, without saying of which runs or where to: the section `dataset` of a run
 * file, a file of its own, or what is saved in the store under a name. The same names as the API's.
 */
export const datasetPlanSchema = z
  .strictObject({
    recipe: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional(),
    where: z.string().min(1).optional().meta({
      description: 'Such as: reward > 0 and root_turns > 1 and 0 < group.mean < 1',
    }),
    minReward: z.number().optional(),
    onlyAnswered: z.boolean().optional(),
    dropSingleTurn: z.boolean().optional(),
    select: z.string().optional().meta({
      description: 'all, correct, best, shortest, cheapest or diverse; the last four also with -N.',
    }),
    maxPerTask: z.number().int().positive().optional(),
    threshold: z.number().optional(),
    ...curationShape,
    recipeOptions: z.record(z.string(), z.unknown()).optional(),
    evalFraction: z.number().min(0).max(1).optional(),
    validationFraction: z.number().min(0).max(1).optional(),
    splitBy: z.enum(splitUnits).optional(),
    seed: z.number().int().optional(),
  })
  .meta({ id: 'DatasetPlan', description: 'What `descent export` makes of the trajectories of a run.' })
export type DatasetPlan = z.output<typeof datasetPlanSchema>

/** Under which a plan is saved as a selection; what has a `.` or `/` in it is a file. */
export const selectionNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][\w-]{0,63}$/, 'expected letters, digits, - and _, at most 64')
