// The policies that go wrong as models do: they guess, misuse the protocol, loop, crash, or spend.
// Each is a function of the conversation alone.
import { seededRandom } from '../../tasks/random.ts'
import { careful } from './careful.ts'
import * as cells from './cells.ts'
import type { Conversation } from './conversation.ts'
import type { Question } from './question.ts'
import { printedCandidate, submitText, submitVariable, turn } from './speech.ts'

/** Answers in the first turn without a look: a guess of the right form. */
export function hasty(conversation: Conversation): string {
  const guess = guessAnswer(conversation)
  if (conversation.forced) return guess
  return submitText(
    conversation,
    guess,
    'This is general knowledge, so there is no need to read the context.',
  )
}

/** Never stops looking at the same thing. */
export function looper(conversation: Conversation): string {
  if (conversation.forced) return 'I need to look at the context once more before I can answer.'
  return turn(
    'Let me look at the beginning of the context again, to be sure that I understand it.',
    cells.inspect(),
  )
}

/** Writes cells that raise; three rollouts in five recover and answer. */
export function crasher(conversation: Conversation): string {
  const { question, turn: taken, forced } = conversation
  if (forced) return printedCandidate(conversation) ?? 'The code did not work, so there is no answer.'
  const recovers = seededRandom('crasher', conversation.seed).next() < 0.6
  const broken = [
    'print(len(contexts))\nprint(contexts[:500])',
    'count = 0\naverage = len(context) / count\nprint(average)',
    'for line in context.split("\\n")[:10]\n    print(line)',
    'import sys\nrecords = [piece for piece in context]\nif records:\n    sys.exit(3)',
    'total = sum(context)\nprint(total)',
  ]
  if (!recovers || taken < 3) {
    return turn(
      taken === 0 ? 'I read the context and count its parts.' : 'That failed. I try another way.',
      broken[taken % broken.length] ?? '',
    )
  }
  if (!question) return careful({ ...conversation, turn: taken - 3 })
  if (taken === 3) {
    return turn(
      'The errors came from my code, not from the data. I start again, step by step.',
      cells.everything(question),
    )
  }
  return submitVariable(conversation, 'candidate', 'This worked. I submit the candidate.')
}

/** Asks the sub-model one tiny prompt at a time, 60 to 200 in a row, then answers: right or wrong. */
export function spender(conversation: Conversation): string {
  const { question, turn: taken, hasSubCalls, forced, seed } = conversation
  if (!question || !hasSubCalls || forced) return careful(conversation)
  const random = seededRandom('spender', seed)
  const calls = random.integer(60, 200)
  const isRight = random.next() < 0.5
  if (taken === 0) return turn('I look at the context first.', cells.inspect())
  if (taken === 1) {
    return turn(
      'I divide the profiles and find the field in each.',
      cells.lines(cells.split(), cells.select(question)),
    )
  }
  if (taken === 2) {
    return turn(
      'To be safe I ask about every line by itself, and about each more than once.',
      cells.lines(
        'names = list(rows) or list(documents)',
        'replies = []',
        `for index in range(${calls}):`,
        '    name = names[index % len(names)]',
        `    replies.append(llm_query("What is the first figure here? " + rows.get(name, name)[:200]))`,
        'print(len(replies), "replies", replies[:5])',
      ),
    )
  }
  if (taken === 3) {
    return isRight
      ? turn('The replies agree with the lines. I compute the result.', cells.everything(question))
      : turn(
          'I take the result from the replies.',
          'candidate = str(sorted(replies)[-1])[:40]\nprint("candidate:", candidate)',
        )
  }
  return submitVariable(conversation, 'candidate', 'I submit the candidate.')
}

/** Gets the protocol wrong in one of three ways; most rollouts notice and mend it, some never do. */
export function misuser(conversation: Conversation): string {
  const { question, convention, forced } = conversation
  if (forced) return printedCandidate(conversation) ?? guessAnswer(conversation)
  if (!question) return unknownMisuse(conversation)
  return convention === 'final'
    ? misuseTags(conversation, question)
    : misuseDictionary(conversation, question)
}

function misuseDictionary(conversation: Conversation, question: Question): string {
  const { turn: taken } = conversation
  const random = seededRandom('misuser', conversation.seed)
  const way = random.integer(0, 2)
  const mends = random.next() < 0.7
  if (way === 0 && taken === 0) {
    return `I expect the answer to be as follows, but I will check it.\n\nFINAL(${guessAnswer(conversation)})`
  }
  if (way === 1 && taken === 0) {
    return turn(
      'I look at the context, compute the result and note the answer, all at once.',
      cells.inspect(),
      cells.everything(question),
      'answer["content"] = candidate\nprint(answer)',
    )
  }
  if (way === 2 && taken === 0) {
    return `I compute the result with Python.\n\n\`\`\`python\n${cells.everything(question)}\n\`\`\``
  }
  if (taken === 1 && way !== 1) return turn('I compute the result by code.', cells.everything(question))
  if (taken === 2 || (taken === 1 && way === 1)) {
    return turn(
      'The result is there. I hand it in.',
      way === 0 ? 'FINAL(candidate)' : 'answer["content"] = candidate',
    )
  }
  if (!mends) return 'The answer was given above.\n\nFINAL_VAR(candidate)'
  return turn(
    'The answer is still not taken: `ready` has to be set.',
    'answer["content"] = candidate\nanswer["ready"] = True',
  )
}

function misuseTags(conversation: Conversation, question: Question): string {
  const { turn: taken } = conversation
  const way = seededRandom('misuser', conversation.seed).integer(0, 2)
  if (taken === 0) return turn('I compute the result by code.', cells.inspect(), cells.everything(question))
  // The plan in place of the answer, the name of a variable as a text, the tag in a code block.
  if (way === 0) return 'The result is in the variable.\n\nFINAL(candidate)'
  if (taken === 1 && way === 1) return turn('I hand in the result.', 'FINAL(candidate)')
  if (taken === 1) return 'I hand in the result.\n\nFINAL_VAR(final_answer)'
  return 'The answer was not taken; I name the variable that exists.\n\nFINAL_VAR(candidate)'
}

function unknownMisuse(conversation: Conversation): string {
  if (conversation.turn === 0) return `I know this one.\n\n\`\`\`python\nprint(context[:100])\n\`\`\``
  return careful({ ...conversation, turn: conversation.turn - 1 })
}

const famous = [
  'Russia',
  'China',
  'United States',
  'Brazil',
  'India',
  'Japan',
  'Germany',
  'Nigeria',
  'Monaco',
]

function guessAnswer({ question, seed }: Conversation): string {
  const random = seededRandom('guess', seed, JSON.stringify(question))
  if (!question) return 'unknown'
  switch (question.shape) {
    case 'countNumbers':
    case 'countMentions':
      return String(random.integer(2, 40))
    case 'number':
      return String(random.integer(1, 500))
    case 'text':
      return `${question.country} City`
    case 'above':
      return random.shuffle(famous).slice(0, 3).join(', ')
    case 'countryOf':
    case 'extreme':
    default: {
      const count = question.shape === 'extreme' ? question.count : 1
      return random.shuffle(famous).slice(0, count).join(', ')
    }
  }
}
