// `python_check`: a checker in Python, run in the sandbox with the answer, the gold and the task. It defines
// `check(answer, gold, task)` and returns a number or a truth value, or (value, details). The code is an
// option (`code`, or `file` in a run file), or the task's own in metadata.checker.
import { z } from 'zod'
import { DescentError } from '../src/errors.ts'
import type { Json } from '../src/json.ts'
import { defineReward } from '../src/reward.ts'
import { notAnswered } from './gold.ts'

export const pythonCheck = defineReward({
  name: 'python_check',
  version: '1',
  description: 'A Python function check(answer, gold, task), run in the sandbox.',
  options: z.strictObject({
    code: z.string().min(1).optional().meta({ description: "Default: the task's metadata.checker." }),
    seconds: z.number().positive().max(600).default(10),
  }),
  async score({ task, trajectory, options, tools }) {
    const code = options.code ?? task.metadata['checker']
    if (typeof code !== 'string') {
      throw new DescentError(
        'reward',
        'no_checker',
        `task ${task.id} has no metadata.checker and the reward no code`,
      )
    }
    if (!tools.python) {
      throw new DescentError(
        'reward',
        'no_sandbox',
        'this place offers no sandbox to run a checker in; use descent score',
      )
    }
    const { answer } = trajectory
    if (answer === null) return notAnswered
    const { id, prompt, metadata } = task
    const request = {
      code,
      answer,
      gold: task.answer,
      task: { id, prompt, metadata },
      seconds: options.seconds,
    }
    const { value, stdout } = await tools.python.check(request)
    const [given, details] = Array.isArray(value) ? [value[0] ?? null, value[1] ?? null] : [value, null]
    const number = typeof given === 'boolean' ? Number(given) : given
    if (typeof number !== 'number') {
      throw new DescentError(
        'reward',
        'checker_value',
        `check() returned ${JSON.stringify(given)}; expected a number, True, False, or (value, details)`,
      )
    }
    return { value: number, details: shownDetails(details, stdout) }
  },
})

function shownDetails(details: Json, stdout: string): Record<string, Json> {
  return {
    ...(stdout === '' ? {} : { stdout: stdout.slice(0, 2000) }),
    ...(details === null ? {} : { check: details }),
  }
}
