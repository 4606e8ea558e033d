// The policy that does it well: looks, divides, selects by code, has the sub-model read, checks the
// reading by code, prints its candidate, and only then answers. One rollout in ten skips the check.
import { seededRandom } from '../../tasks/random.ts'
import * as cells from './cells.ts'
import type { Conversation } from './conversation.ts'
import type { Question } from './question.ts'
import { keywords } from './reader.ts'
import { printedCandidate, submitVariable, turn } from './speech.ts'

/** Below this, sub-calls read whole documents; above, only the lines that code selected. */
const wholeDocumentCharacters = 150_000

const skippedChecks = 0.1

export function careful(conversation: Conversation): string {
  if (conversation.forced) return printedCandidate(conversation) ?? 'unknown'
  const steps = conversation.question
    ? questionSteps(conversation, conversation.question)
    : conversation.questionText === null
      ? childSteps(conversation)
      : searchSteps(conversation, conversation.questionText)
  // At the last turn there is no time to be careful: compute and answer in one go.
  if (conversation.turnsLeft === 1 && conversation.turn < steps.length - 1) return hurry(conversation)
  const step = steps[Math.min(conversation.turn, steps.length - 1)]
  return step ? step() : ''
}

type Step = () => string

function questionSteps(conversation: Conversation, question: Question): Step[] {
  const { hasSubCalls, characters, seed } = conversation
  const checks = seededRandom('careful', seed).next() >= skippedChecks
  const whole = characters <= wholeDocumentCharacters
  const steps: Step[] = [
    () => turn('I start by looking at what the context is and how it begins.', cells.inspect()),
    () =>
      turn(
        'The context is a series of country profiles, each under a heading. I divide it at the headings and count them.',
        cells.split(),
      ),
    () =>
      turn(
        `Plan: collect the lines of the field "${question.path}" by code, then have a sub-model read them, and compare both readings.`,
        cells.select(question),
      ),
  ]
  if (hasSubCalls) {
    steps.push(() =>
      turn(
        whole
          ? 'The profiles concerned are few and short, so the sub-model can read them whole, in batches.'
          : 'I give the selected lines to the sub-model in a few large prompts and ask for one line per country.',
        cells.ask(question, whole),
      ),
    )
  }
  if (hasSubCalls && checks) {
    steps.push(() =>
      turn(
        'Before I rely on these replies I read the same lines by code and list every difference.',
        cells.verify(question),
      ),
    )
  } else if (hasSubCalls) {
    steps.push(() => turn('The replies look complete. I turn them into values.', cells.trust(question)))
  } else {
    steps.push(() =>
      turn(
        'I read the values from the selected lines.',
        cells.lines(cells.readRows(question), 'print(list(values.items())[:5])'),
      ),
    )
  }
  steps.push(
    () =>
      turn(
        checks
          ? 'Where the readings differ the text decides. Now the result, printed before I submit it.'
          : 'Now the result, printed before I submit it.',
        cells.conclude(question),
      ),
    () =>
      submitVariable(
        conversation,
        'candidate',
        'The candidate fits the question and its format. I submit it.',
      ),
  )
  return steps
}

function searchSteps(conversation: Conversation, text: string): Step[] {
  const words = [...keywords(text)].slice(0, 12)
  const steps: Step[] = [
    () => turn('I start by looking at what the context is and how it begins.', cells.inspect()),
    () => turn('I look for the passages that share most words with the question.', cells.search(words)),
  ]
  if (conversation.hasSubCalls) {
    steps.push(() =>
      turn('I put the question to the sub-model, one passage at a time.', cells.askPassages(text)),
    )
  }
  steps.push(
    () =>
      turn(
        'I take the reply of the best passage that has one, and print it first.',
        cells.concludePassages(conversation.hasSubCalls),
      ),
    () => submitVariable(conversation, 'candidate', 'This answers the question. I submit it.'),
  )
  return steps
}

/** A child has no question beside its context: the context holds it. */
function childSteps(conversation: Conversation): Step[] {
  const answer = conversation.hasSubCalls ? 'llm_query(str(context))' : 'str(context)[-200:]'
  return [
    () => turn('I look at the context, which should also hold the task.', cells.inspect(2000)),
    () =>
      turn(
        'The task is part of the text and short enough for one sub-call.',
        `candidate = ${answer}\nprint("candidate:", candidate)`,
      ),
    () => submitVariable(conversation, 'candidate', 'I pass the reply on.'),
  ]
}

function hurry(conversation: Conversation): string {
  const { question, convention } = conversation
  if (!question || convention === 'final') {
    return submitVariable(conversation, 'candidate', 'This is the last turn, so I answer with what I have.')
  }
  return turn(
    'This is the last turn, so I compute the answer by code and submit it at once.',
    cells.lines(cells.everything(question), 'answer["content"] = candidate', 'answer["ready"] = True'),
  )
}
