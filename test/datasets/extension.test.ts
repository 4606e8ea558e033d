// The extension property of what is exported: the prompt of a sample begins with the prompt and the
// completion of the sample before it, in messages, for every trajectory without compaction. Rollouts of
// random scripts in the real loop, sandbox and store.
import { asyncProperty, array, assert as check, constantFrom, record } from 'fast-check'
import { expect, test } from 'vitest'
import { sftTurns } from '../../src/datasets/recipes/sft-turns.ts'
import { parseRecipeOptions } from '../../src/datasets/recipe-options.ts'
import { applyEdits } from '../../src/datasets/clean/edits.ts'
import { parseRepairs, repairTrajectory } from '../../src/datasets/repairs/index.ts'
import { openCurationTools } from '../../api/curation-tools.ts'
import type { Trajectory } from '../../src/trajectory.ts'
import { roll, useWorkbench } from '../support/rollouts.ts'

const bench = useWorkbench('extension')

interface Sample {
  prompt: { role: string; content: string }[]
  completion: { role: string; content: string }[]
}

async function samplesOf(trajectory: Trajectory): Promise<Sample[]> {
  const task = await bench.store.readTask(trajectory.runId, trajectory.taskId)
  const context = {
    run: await bench.store.findRun(trajectory.runId),
    options: parseRecipeOptions(sftTurns, {}),
    threshold: 0.5,
    tokens: new Map(),
    tokenizer: null,
    leaveOut: () => undefined,
  }
  return [...sftTurns.rows(trajectory, task, context)] as Sample[]
}

function expectExtension(samples: Sample[]): void {
  for (const [index, { prompt }] of samples.entries()) {
    const before = samples[index - 1]
    if (!before) continue
    const expected = [...before.prompt, ...before.completion].map(({ role, content }) => ({ role, content }))
    expect(prompt.slice(0, expected.length).map(({ role, content }) => ({ role, content }))).toEqual(expected)
    expect(prompt.length).toBeGreaterThan(expected.length)
  }
}

const fence = (code: string) => `\`\`\`repl\n${code}\n\`\`\``
const replies = constantFrom(
  'I think about it. 😀',
  '',
  fence('print(context[:5])'),
  `${fence('a = 1')}\n\nand\n\n${fence('print(a, "é" * 3)')}`,
  fence('print("x" * 25000)'),
  fence('1 / 0'),
  fence('print(llm_query("say it"))'),
  fence('FINAL("42")'),
  fence('answer["content"] = "42"'),
  'FINAL_VAR(nothing)',
  fence('import os\nos._exit(3)'),
)
const ends = constantFrom(
  'FINAL(42)',
  fence('answer["content"] = "42"\nanswer["ready"] = True'),
  'I give up.',
)

test('holds for whatever a model says, before and after repairs', async () => {
  const curation = openCurationTools(bench.store)
  try {
    const script = record({
      said: array(replies, { minLength: 1, maxLength: 4 }),
      end: ends,
      protocol: constantFrom('rlm' as const, 'rlm-final' as const),
    })
    await check(
      asyncProperty(script, async ({ said, end, protocol }) => {
        const trajectory = await roll(bench, [...said, end], {
          protocol,
          sub: () => 'the reply',
          limits: { maxTurns: 6 },
        })
        const samples = await samplesOf(trajectory)
        expect(samples.length).toBeGreaterThan(0)
        expectExtension(samples)
        const repairs = await repairTrajectory(
          trajectory,
          parseRepairs(['all']),
          new Set(),
          curation.tools.openReplayer,
        )
        const repaired = applyEdits(trajectory, { turns: repairs.map(({ edit }) => edit) })
        const turns = repaired.invocations[0]?.turns ?? []
        const left = await samplesOf(repaired)
        // A turn that was left out stands in the prompts, but makes no sample of its own.
        if (left.length === turns.length) expectExtension(left)
      }),
      { numRuns: 12, seed: 20261123 },
    )
  } finally {
    await curation.close()
  }
}, 240_000)
