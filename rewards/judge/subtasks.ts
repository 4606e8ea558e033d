// `subtask_judge`: a language model says of every child invocation whether it did what its parent asked of it.
// Each verdict is a score of that invocation (what RAO's credit needs); the value of the trajectory is the mean
// over the direct children of the root.
import { z } from 'zod'
import { samplingSchema } from '../../src/models/model.ts'
import { defineReward } from '../../src/reward.ts'
import type { RewardResult } from '../../src/reward.ts'
import { modelConfigSchema } from '../../src/run-file.ts'
import type { Invocation, Trajectory } from '../../src/trajectory.ts'
import { subCalls } from '../process/tree.ts'
import { openJudge, recorded } from './judge.ts'
import { readVerdict } from './reply.ts'
import { judgeMessages } from './rubrics.ts'

const defaultRubric =
  'The question is a sub-task that one assistant gave to another, which may have had data that you do not see. Decide whether the answer does what was asked: it addresses the whole sub-task, commits itself to a result, and admits what it could not find out. Give 1 when it does, 0 when it does not, and a share for a part.'

export const subtaskJudge = defineReward({
  name: 'subtask_judge',
  version: '1',
  description:
    'A language model grades every child invocation by its own sub-task; the mean over the children of the root.',
  options: z.strictObject({
    model: modelConfigSchema,
    sampling: samplingSchema.default({ temperature: 0 }),
    rubric: z.string().min(1).default(defaultRubric),
    most: z.number().int().positive().default(200).meta({
      description: 'No more invocations of a trajectory than this are graded, the nearest to the root first.',
    }),
  }),
  async score({ trajectory, options, tools }): Promise<RewardResult> {
    const prompts = new Map(
      subCalls(trajectory).flatMap((call) =>
        call.invocationId === null
          ? []
          : [[call.invocationId, call.messages.map(({ content }) => content).join('\n\n')]],
      ),
    )
    const children = trajectory.invocations
      .filter(({ depth }) => depth > 0)
      .toSorted((a, b) => a.depth - b.depth)
      .slice(0, options.most)
    if (children.length === 0) return { value: 0, details: { children: 0 } }
    const model = openJudge(tools, options.model)
    async function grade({ id, answer }: Invocation): Promise<InvocationResult> {
      // Without an answer there is nothing to judge, and nothing to pay.
      if (answer === null) return { id, value: 0, details: { answered: false } }
      const task = { prompt: prompts.get(id) ?? '', gold: null }
      const call = await model.ask(judgeMessages(options.rubric, task, answer), options.sampling, 0)
      const { score, reason } = readVerdict(call.text)
      return { id, value: score, details: { reason: reason ?? '', ...recorded([call]) } }
    }
    const invocations = await Promise.all(children.map(grade))
    const direct = invocations.filter(({ id }) => isDirect(trajectory, id)).map(({ value }) => value)
    const value = direct.length === 0 ? 0 : direct.reduce((sum, one) => sum + one, 0) / direct.length
    return { value, details: { children: children.length, direct: direct.length }, invocations }
  },
})

type InvocationResult = NonNullable<RewardResult['invocations']>[number]

function isDirect({ invocations }: Trajectory, id: string): boolean {
  return invocations.some((invocation) => invocation.id === id && invocation.depth === 1)
}
