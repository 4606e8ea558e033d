// What the original Python scorers gave for 104 inputs, function by function.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseJudgeResponse } from '../../rewards/benchmarks/browsecomp-plus.ts'
import { summaryRougeL } from '../../rewards/benchmarks/longbench-pro-summary.ts'
import { scoreLongbenchPro } from '../../rewards/benchmarks/longbench-pro.ts'
import { extractChoice } from '../../rewards/benchmarks/longbench-v2.ts'
import {
  classificationScore,
  codeScore,
  countScore,
  qaF1,
  qaF1Zh,
  retrievalScore,
  retrievalScoreZh,
  rougeLZh,
} from '../../rewards/benchmarks/longbench.ts'
import { scoreMrcr, scoreMrcrV2 } from '../../rewards/benchmarks/mrcr.ts'
import { readPairs, scorePairs } from '../../rewards/benchmarks/oolong-pairs.ts'
import { scoreOolongReal } from '../../rewards/benchmarks/oolong-real.ts'
import { scoreOolongSynth, scoreOolongTraining } from '../../rewards/benchmarks/oolong.ts'
import { stringMatchAll, stringMatchPart } from '../../rewards/benchmarks/ruler.ts'
import { sequenceRatio } from '../../rewards/difflib.ts'
import { rougeL } from '../../rewards/python/rouge.ts'

type Inputs = Record<string, string> & { preds: string[]; refs: string[][]; answers: string[] } & {
  all_classes: string[]
  ground_truth: string & string[]
  is_zh: string & boolean
}

const functions: Record<string, (given: Inputs) => unknown> = {
  'oolong.synth.official': ({ answer = '', answer_type = '', output = '' }) => {
    const scored = scoreOolongSynth(answer, answer_type, output)
    return (
      scored && {
        score: scored.score,
        attempted_parse: scored.attemptedParse,
        parse_confidence: scored.confidence,
      }
    )
  },
  'oolong.synth.rlm_training': ({ answer = '', answer_type = '', output = '' }) => ({
    score: scoreOolongTraining(answer, answer_type, output),
  }),
  'oolong.real.official': ({ answer = '', output = '' }) => {
    const { score, attemptedParse, confidence } = scoreOolongReal(answer, output)
    const parse = typeof attemptedParse === 'bigint' ? Number(attemptedParse) : attemptedParse
    return { score, attempted_parse: parse, parse_confidence: confidence }
  },
  'oolong_pairs.f1': ({ predicted = '', ground_truth }) => {
    const gold = new Set(ground_truth.flatMap((text) => [...readPairs(text)]))
    const { precision, recall, f1 } = scorePairs(predicted, gold)
    return [precision, recall, f1]
  },
  'ruler.string_match_all': ({ preds, refs }) => stringMatchAll(preds, refs),
  'ruler.string_match_part': ({ preds, refs }) => stringMatchPart(preds, refs),
  'longbench.qa_f1': ({ prediction = '', ground_truth }) => qaF1(prediction, ground_truth),
  'longbench.count': ({ prediction = '', ground_truth }) => countScore(prediction, ground_truth),
  'longbench.retrieval': ({ prediction = '', ground_truth }) => retrievalScore(prediction, ground_truth),
  'longbench.qa_f1_zh': async ({ prediction = '', ground_truth }) => await qaF1Zh(prediction, ground_truth),
  'longbench.retrieval_zh': ({ prediction = '', ground_truth }) => retrievalScoreZh(prediction, ground_truth),
  'longbench.rouge_zh': async ({ prediction = '', ground_truth }) => await rougeLZh(prediction, ground_truth),
  'longbench.classification': ({ prediction = '', ground_truth, all_classes }) =>
    classificationScore(prediction, ground_truth, all_classes),
  'longbench.rouge': ({ prediction = '', ground_truth }) => rougeL(prediction, ground_truth),
  'longbench.code': ({ prediction = '', ground_truth }) => codeScore(prediction, ground_truth),
  'longbench_v2.extract_answer': ({ response = '' }) => extractChoice(response),
  'longbench_pro.Accuracy': ({ answers, prediction = '' }) =>
    scoreLongbenchPro('Accuracy', answers, prediction),
  'longbench_pro.F1_Score': ({ answers, prediction = '' }) =>
    scoreLongbenchPro('F1_Score', answers, prediction),
  'longbench_pro.SubEM': ({ answers, prediction = '' }) => scoreLongbenchPro('SubEM', answers, prediction),
  'longbench_pro.Pairwise_Accuracy': ({ answers, prediction = '' }) =>
    scoreLongbenchPro('Pairwise_Accuracy', answers, prediction),
  'longbench_pro.NDCG': ({ answers, prediction = '' }) => scoreLongbenchPro('NDCG', answers, prediction),
  'longbench_pro.rouge': async ({ answers, prediction = '', is_zh }) =>
    await summaryRougeL(answers, prediction, is_zh),
  'mrcr.openai': ({ response = '', answer = '', prefix = '' }) => scoreMrcr(response, answer, prefix),
  'mrcr.v2': ({ prediction = '', target = '' }) => scoreMrcrV2(prediction, target),
  'difflib.ratio': ({ a = '', b = '' }) => sequenceRatio(a, b),
  'browsecomp_plus.parse_judge': ({ judge_response = '' }) => parseJudgeResponse(judge_response),
}

interface Vector {
  fn: string
  in: Inputs
  expected: unknown
}

function readVectors(file: string): Vector[] {
  return readFileSync(path.join(import.meta.dirname, file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Vector)
}

const given = readVectors('scoring-vectors.jsonl')
/** Made by running the original code on random inputs. */
const made = readVectors('more-vectors.jsonl')

describe('the original scorers', () => {
  test('every vector is here, of every function that is ported', () => {
    expect(given).toHaveLength(104)
    expect(made).toHaveLength(304)
    expect(new Set([...given, ...made].map(({ fn }) => fn))).toEqual(new Set(Object.keys(functions)))
  })

  test.each([...given, ...made].map((vector, index) => [vector.fn, index, vector] as const))(
    '%s (vector %i)',
    async (fn, _, vector) => {
      const answer = await functions[fn]?.(vector.in)
      // Sums in another order may differ in the last bit.
      const isClose = Math.abs(Number(answer) - Number(vector.expected)) < 1e-12
      expect(isClose ? vector.expected : answer).toEqual(vector.expected)
    },
  )
})
