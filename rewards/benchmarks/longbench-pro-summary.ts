// LongBench Pro's metric of summaries: half the greatest cosine of the answer's embedding with those of the
// reference summaries, half the greatest ROUGE-L. The whole answer counts, and not what follows "[Answer]".
import { DescentError } from '../../src/errors.ts'
import type { RewardResult } from '../../src/reward.ts'
import type { RewardTools } from '../../src/reward-tools.ts'
import type { ModelConfig } from '../../src/run-file.ts'
import { openJieba } from '../python/jieba.ts'
import { rougeL } from '../python/rouge.ts'
import { words } from '../python/text.ts'

/** Lower case, single spaces. */
export function plainLine(text: string): string {
  return words(text.toLowerCase()).join(' ')
}

/** The greatest ROUGE-L of the answer with a reference; Chinese is cut into words by jieba. */
export async function summaryRougeL(
  references: readonly string[],
  answer: string,
  isChinese: boolean,
): Promise<number> {
  const cut = isChinese ? await openJieba() : (text: string) => [text]
  const given = cut(plainLine(answer)).join(' ')
  const scores = references.map((text) => [given, cut(plainLine(text)).join(' ')] as const)
  // The original refuses all pairs when one text is empty, and then gives 0.
  if (scores.some((pair) => pair.some((text) => !/[^.]/.test(text)))) return 0
  return Math.max(...scores.map(([own, reference]) => rougeL(own, reference)))
}

/** Errors raised: DescentError `no_embedding` without a model; ModelError when it fails. */
export async function scoreSummary(
  references: readonly string[],
  answer: string,
  options: { isChinese: boolean; embedding: ModelConfig | undefined; tools: RewardTools },
): Promise<RewardResult> {
  const { embedding, tools } = options
  if (!embedding || !tools.embed) {
    throw new DescentError(
      'reward',
      'no_embedding',
      'summaries of LongBench Pro need an embedding model: options: {embedding: {provider: openai, name: Qwen/Qwen3-Embedding-8B, baseUrl: …}}',
    )
  }
  if (plainLine(answer) === '') return { value: 0, details: { metric: 'Summary' } }
  const rouge = await summaryRougeL(references, answer, options.isChinese)
  const { vectors, ...call } = await tools.embed(embedding, [...references, answer].map(plainLine))
  const own = vectors.at(-1) ?? []
  const similarity = Math.max(...vectors.slice(0, -1).map((vector) => cosine(vector, own)))
  // Rounding may carry the sum out of the range that the original insists on.
  const value = Math.min(1, Math.max(0, 0.5 * similarity + 0.5 * rouge))
  return {
    value,
    details: { metric: 'Summary', similarity, rouge, costUsd: call.costUsd, embedding: { ...call } },
  }
}

function cosine(a: readonly number[], b: readonly number[]): number {
  let [dot, squaresA, squaresB] = [0, 0, 0]
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0
    dot += value * other
    squaresA += value * value
    squaresB += other * other
  }
  return dot / Math.max(Math.sqrt(squaresA * squaresB), 1e-12)
}
