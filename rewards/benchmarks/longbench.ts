// LongBench v1 (`longbench`): the metrics of its metrics.py for English, Chinese and code, best over the
// golds. The metric follows from metadata.dataset, or is named.
import { z } from 'zod'
import { DescentError } from '../../src/errors.ts'
import { defineReward } from '../../src/reward.ts'
import { sequenceRatio } from '../difflib.ts'
import { alternatives, goldOf, notAnswered } from '../gold.ts'
import { openJieba } from '../python/jieba.ts'
import { rougeL } from '../python/rouge.ts'
import { roundPython, words } from '../python/text.ts'

const metricNames = [
  'qa_f1',
  'qa_f1_zh',
  'rouge',
  'rouge_zh',
  'classification',
  'retrieval',
  'retrieval_zh',
  'count',
  'code',
] as const
type Metric = (typeof metricNames)[number]

const metricOfDataset: Record<string, Metric> = {
  narrativeqa: 'qa_f1',
  qasper: 'qa_f1',
  multifieldqa_en: 'qa_f1',
  multifieldqa_zh: 'qa_f1_zh',
  hotpotqa: 'qa_f1',
  '2wikimqa': 'qa_f1',
  musique: 'qa_f1',
  triviaqa: 'qa_f1',
  dureader: 'rouge_zh',
  vcsum: 'rouge_zh',
  gov_report: 'rouge',
  qmsum: 'rouge',
  multi_news: 'rouge',
  samsum: 'rouge',
  trec: 'classification',
  lsht: 'classification',
  passage_retrieval_en: 'retrieval',
  passage_retrieval_zh: 'retrieval_zh',
  passage_count: 'count',
  lcc: 'code',
  'repobench-p': 'code',
}

/** Only their first line counts. */
const oneLineDatasets = new Set(['trec', 'triviaqa', 'samsum', 'lsht'])

function normalizeAnswer(text: string): string[] {
  const bare = text.toLowerCase().replaceAll(/[!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]/g, '')
  return words(bare.replaceAll(/(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu, ' '))
}

/** F1 over words without case, punctuation and articles. */
export function qaF1(prediction: string, gold: string): number {
  return bagF1(normalizeAnswer(prediction), normalizeAnswer(gold))
}

/** F1 over two bags of words: a word said twice must be wanted twice. */
export function bagF1(given: string[], wanted: string[]): number {
  const counts = new Map<string, number>()
  for (const word of wanted) counts.set(word, (counts.get(word) ?? 0) + 1)
  let same = 0
  for (const word of given) {
    const left = counts.get(word) ?? 0
    if (left === 0) continue
    same += 1
    counts.set(word, left - 1)
  }
  if (same === 0) return 0
  const [precision, recall] = [same / given.length, same / wanted.length]
  return (2 * precision * recall) / (precision + recall)
}

function shareOfNumbers(prediction: string, wanted: string): number {
  const numbers = prediction.match(/\p{Nd}+/gu) ?? []
  return numbers.length === 0 ? 0 : numbers.filter((text) => text === wanted).length / numbers.length
}

export function countScore(prediction: string, gold: string): number {
  return shareOfNumbers(prediction, gold)
}

export function retrievalScore(prediction: string, gold: string): number {
  return shareOfNumbers(prediction, numberAfter(gold, 'Paragraph '))
}

export function retrievalScoreZh(prediction: string, gold: string): number {
  return shareOfNumbers(prediction, numberAfter(gold, '段落'))
}

function numberAfter(gold: string, mark: string): string {
  const wanted = new RegExp(String.raw`${mark}(\p{Nd}+)`, 'u').exec(gold)?.[1]
  if (wanted !== undefined) return wanted
  const message = `the gold answer ${JSON.stringify(gold)} is not "${mark}N"`
  throw new DescentError('reward', 'bad_gold', message)
}

const punctuation =
  '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､、〃》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿–—‘’‛“”„‟…‧﹏.'
const isPunctuation = new Set(punctuation)

/** Words of jieba, lower-cased, without punctuation and white space; empty ones left out. */
async function chineseWords(text: string): Promise<string[]> {
  const cut = await openJieba()
  return cut(text)
    .map((word) =>
      words(Array.from(word.toLowerCase(), (one) => (isPunctuation.has(one) ? '' : one)).join('')),
    )
    .map((parts) => parts.join(''))
    .filter((word) => word !== '')
}

/** F1 over words, as jieba cuts them. Errors raised: DescentError when the segmenter is not installed. */
export async function qaF1Zh(prediction: string, gold: string): Promise<number> {
  return bagF1(await chineseWords(prediction), await chineseWords(gold))
}

/** ROUGE-L over words, as jieba cuts them. Errors raised: as `qaF1Zh`. */
export async function rougeLZh(prediction: string, gold: string): Promise<number> {
  const cut = await openJieba()
  return rougeL(cut(prediction).join(' '), cut(gold).join(' '))
}

/** One over the number of class names found, when the gold is among them. */
export function classificationScore(prediction: string, gold: string, classes: readonly string[]): number {
  const found = classes.filter((name) => prediction.includes(name))
  // The original takes items out of the list that it walks, so the one after a dropped one is not looked at.
  for (let at = 0; at < found.length; at += 1) {
    const name = found[at] ?? ''
    if (gold.includes(name) && name !== gold) found.splice(found.indexOf(name), 1)
  }
  return found.includes(gold) ? 1 / found.length : 0
}

/** fuzzywuzzy's ratio (difflib's, in whole percent) of the first line that is neither comment nor fence. */
export function codeScore(prediction: string, gold: string): number {
  const lines = prediction.replace(/^\n+/, '').split('\n')
  const line = lines.find((text) => !/[`#]|\/\//.test(text)) ?? ''
  if (line === gold) return 1
  if (line === '' || gold === '') return 0
  return roundPython(100 * sequenceRatio(line, gold), 0) / 100
}

type Score = (prediction: string, gold: string, classes: readonly string[]) => number | Promise<number>

const metrics: Record<Metric, Score> = {
  qa_f1: qaF1,
  qa_f1_zh: qaF1Zh,
  rouge: rougeL,
  rouge_zh: rougeLZh,
  classification: classificationScore,
  retrieval: retrievalScore,
  retrieval_zh: retrievalScoreZh,
  count: countScore,
  code: codeScore,
}

export const longbench = defineReward({
  name: 'longbench',
  version: '1',
  description: 'LongBench v1: the metric of metadata.dataset, best over the golds, in [0, 1].',
  sees: 'answer',
  options: z.strictObject({ metric: z.enum(metricNames).optional() }),
  async score(context) {
    const { task, trajectory, options } = context
    const golds = alternatives(goldOf(context), task.id)
    const dataset = typeof task.metadata['dataset'] === 'string' ? task.metadata['dataset'] : ''
    const metric = options.metric ?? metricOfDataset[dataset.replace(/_e$/, '')]
    if (metric === undefined) {
      const known = Object.keys(metricOfDataset).join(', ')
      throw new DescentError(
        'reward',
        'bad_task',
        `task ${task.id}: metadata.dataset "${dataset}" is none of ${known}`,
      )
    }
    if (trajectory.answer === null) return notAnswered
    const given = trajectory.answer
    const prediction = oneLineDatasets.has(dataset) ? (given.replace(/^\n+/, '').split('\n')[0] ?? '') : given
    const classes = task.metadata['all_classes']
    const names = Array.isArray(classes) ? classes.map(String) : []
    const scores = await Promise.all(
      golds.map(async (gold) => await metrics[metric](prediction, gold, names)),
    )
    return { value: Math.max(0, ...scores), details: { metric } }
  },
})
