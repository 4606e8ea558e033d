// LongBench Pro (`longbench_pro`): what follows the last "[Answer]", lower-cased, a line an item, against
// the list of golds, by the metric of the row's secondary task. `Summary` compares by meaning, too: without an
// embedding model it is an error, never a 0.
import { z } from 'zod'
import { DescentError } from '../../src/errors.ts'
import { defineReward } from '../../src/reward.ts'
import type { RewardTask } from '../../src/reward.ts'
import { modelConfigSchema } from '../../src/run-file.ts'
import { alternatives, goldOf, notAnswered } from '../gold.ts'
import { strip } from '../python/text.ts'
import { plainLine, scoreSummary } from './longbench-pro-summary.ts'

const metricNames = ['NDCG', 'Pairwise_Accuracy', 'Accuracy', 'F1_Score', 'SubEM'] as const
type Metric = (typeof metricNames)[number]
const allMetricNames = [...metricNames, 'Summary'] as const

/** By the number that the name of the secondary task begins with. */
const metricOfTask: Record<string, (typeof allMetricNames)[number]> = {
  'T1.1': 'NDCG',
  'T1.2': 'NDCG',
  'T2.1': 'Pairwise_Accuracy',
  'T2.2': 'Pairwise_Accuracy',
  'T3.1': 'Accuracy',
  'T3.2': 'Accuracy',
  'T4.1': 'Summary',
  'T4.2': 'Summary',
  'T5.1': 'F1_Score',
  'T5.2': 'F1_Score',
  'T6.1': 'SubEM',
  'T6.2': 'F1_Score',
  'T6.3': 'Pairwise_Accuracy',
  'T7.1': 'F1_Score',
  'T7.2': 'F1_Score',
  'T7.3': 'F1_Score',
  'T8.1': 'SubEM',
  'T8.2': 'SubEM',
  'T8.3': 'SubEM',
  'T9.1': 'F1_Score',
  'T9.2': 'F1_Score',
  'T10.1': 'SubEM',
  'T10.2': 'SubEM',
  'T11.1': 'Accuracy',
  'T11.2': 'Accuracy',
}

function answerArea(text: string): string {
  for (const mark of ['[Answer]', '[答案]']) {
    if (text.includes(mark)) return strip(text.slice(text.lastIndexOf(mark) + mark.length))
  }
  return strip(text)
}

const readGolds = (golds: readonly string[]): string[] => golds.map(plainLine)
const readLines = (prediction: string): string[] =>
  answerArea(prediction).toLowerCase().split('\n').map(plainLine)

function accuracy(golds: string[], lines: string[]): number {
  return golds[0] === lines[0] ? 1 : 0
}

function f1Score(golds: string[], lines: string[]): number {
  const [wanted, given] = [new Set(golds), new Set(lines)]
  const common = [...given].filter((line) => wanted.has(line)).length
  if (common === 0) return 0
  const [precision, recall] = [common / given.size, common / wanted.size]
  return (2 * precision * recall) / (precision + recall)
}

function subEm(golds: string[], lines: string[]): number {
  return golds.filter((gold) => lines.includes(gold)).length / golds.length
}

function pairwiseAccuracy(golds: string[], lines: string[]): number {
  if (golds.length < 2 || lines.length < 2) return 0
  // A line said twice counts where it stands last.
  const place = new Map(lines.map((line, index) => [line, index]))
  let right = 0
  for (const [index, first] of golds.entries()) {
    for (const second of golds.slice(index + 1)) {
      const [a, b] = [place.get(first), place.get(second)]
      if (a !== undefined && b !== undefined && a < b) right += 1
    }
  }
  return right / ((lines.length * (lines.length - 1)) / 2)
}

/** With the relevances k, k-1, … 1 of the golds, and the predicted order cut at k. */
function ndcg(golds: string[], lines: string[]): number {
  const k = golds.length
  const relevance = new Map(golds.map((gold, index) => [gold, k - index]))
  const place = new Map(lines.map((line, index) => [line, index]))
  const ranked = [...place].toSorted(([, a], [, b]) => a - b).map(([line]) => relevance.get(line) ?? 0)
  const ideal = [...relevance.values()].toSorted((a, b) => b - a)
  const best = discounted(ideal.slice(0, k))
  return best === 0 ? 0 : discounted(ranked.slice(0, k)) / best
}

function discounted(gains: number[]): number {
  return gains.reduce((sum, gain, index) => sum + gain / Math.log2(index + 2), 0)
}

const metrics: Record<Metric, (golds: string[], lines: string[]) => number> = {
  NDCG: ndcg,
  Pairwise_Accuracy: pairwiseAccuracy,
  Accuracy: accuracy,
  F1_Score: f1Score,
  SubEM: subEm,
}

/** One of LongBench Pro's metrics, in [0, 1]. */
export function scoreLongbenchPro(metric: Metric, golds: readonly string[], prediction: string): number {
  return golds.length === 0 ? 0 : metrics[metric](readGolds(golds), readLines(prediction))
}

function metricOf({ id, metadata }: RewardTask): Metric | 'Summary' {
  const name = metadata['secondary_task']
  const metric = typeof name === 'string' ? metricOfTask[name.split(' ')[0] ?? ''] : undefined
  if (metric) return metric
  const known = Object.keys(metricOfTask).join(', ')
  throw new DescentError(
    'reward',
    'bad_task',
    `task ${id}: metadata.secondary_task begins with none of ${known}`,
  )
}

export const longbenchPro = defineReward({
  name: 'longbench_pro',
  version: '2',
  description: "LongBench Pro: the metric of the row's metadata.secondary_task.",
  sees: 'answer',
  options: z.strictObject({
    metric: z.enum(allMetricNames).optional(),
    embedding: modelConfigSchema.optional().meta({
      description:
        'The embedding model for summaries, as a model of a run file; the original takes Qwen3-Embedding-8B.',
    }),
  }),
  async score(context) {
    const { task, trajectory, options, tools } = context
    const golds = alternatives(goldOf(context), task.id)
    const metric = options.metric ?? metricOf(task)
    if (trajectory.answer === null || trajectory.answer === '') return notAnswered
    if (metric === 'Summary') {
      const isChinese = task.metadata['language'] === 'Chinese'
      return await scoreSummary(golds, trajectory.answer, { isChinese, embedding: options.embedding, tools })
    }
    return { value: scoreLongbenchPro(metric, golds, trajectory.answer), details: { metric } }
  },
})
