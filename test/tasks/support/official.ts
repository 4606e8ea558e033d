// Rows as the official files of the benchmarks have them, made up: the columns are theirs, the texts are not.

import { createHash } from 'node:crypto'

const window = 'Date: Feb 02, 2023 || User: 76153 || Instance: hello'

function synth(id: number, dataset: string, length: number, answer: string, type: string) {
  return {
    id,
    context_window_id: 1,
    context_len: length,
    dataset,
    context_window_text: window,
    context_window_text_with_labels: `${window} || Label: ham`,
    question: `Question ${id}? Give your final answer in the form 'Label: answer'.`,
    answer,
    answer_type: `ANSWER_TYPE.${type}`,
    task: 'TASK_TYPE.MOST_FREQ',
    task_group: 'counting',
    input_subset: 'False',
    num_labels: 2,
  }
}

export const oolongSynth = [
  synth(1, 'spam', 1024, "['ham']", 'LABEL'),
  synth(2, 'spam', 1024, '[42]', 'NUMERIC'),
  synth(3, 'trec_coarse', 1024, "['more common than']", 'COMPARISON'),
  synth(4, 'spam', 2048, '[datetime.date(2023, 3, 5)]', 'DATE'),
  synth(5, 'spam', 1024, '[76153]', 'USER'),
  synth(6, 'spam', 1024, "['March 2023']", 'MONTH_YEAR'),
]

function real(id: string, answer: string, type: string) {
  return {
    id,
    context_window_id: `w-${id}`,
    context_window_text: 'MATT: Roll for initiative.',
    question: String.raw`How many? Answer with \boxed{}.`,
    answer,
    question_type: type,
    episodes: [1],
    campaign: 'campaign2',
  }
}

export const oolongReal = [
  real('a', '84', 'singledoc_rolls'),
  real('b', 'Fireball, Shield', 'singledoc_spells'),
  real('c', 'Fireball', 'multidoc_spells'),
]

export const oolongPairs = [
  {
    id: '1',
    question: 'List all pairs.',
    answer: [
      [1, 2],
      [1, 3],
    ],
    num_pairs: 2,
  },
  { id: '2', question: 'List all pairs.', answer: [], num_pairs: 0 },
]

const choices = { choice_A: 'a', choice_B: 'b', choice_C: 'c', choice_D: 'd' }

export const longbenchV2 = [
  {
    _id: '66f3',
    domain: 'Code Repository Understanding',
    sub_domain: 'Code repo QA',
    difficulty: 'easy',
    length: 'short',
    question: 'Which?',
    ...choices,
    answer: 'C',
    context: 'the code',
  },
  {
    _id: '66f4',
    domain: 'Single-Document QA',
    sub_domain: 'Academic',
    difficulty: 'hard',
    length: 'long',
    question: 'What?',
    ...choices,
    answer: 'A',
    context: 'the paper',
  },
]

function pro(id: string, task: string, answer: string[], language = 'English') {
  return {
    id,
    context: 'A long document.',
    language,
    token_length: '8k',
    primary_task: task.slice(0, 2),
    secondary_task: task,
    contextual_requirement: 'Full',
    question_nonthinking: 'do not think',
    question_thinking: 'think',
    answer,
    difficulty: 'Easy',
  }
}

export const longbenchPro = [
  pro('1', 'T1.1 Rank', ['b', 'a', 'c'], 'Chinese'),
  pro('2', 'T2.1 Order', ['b', 'a', 'c']),
  pro('3', 'T3.1 Choose', ['A']),
  pro('4', 'T4.1 Summary', ['A summary.']),
  pro('5', 'T5.1 Find', ['x', 'y']),
  pro('6', 'T6.1 Extract', ['x', 'y']),
]

export const mrcr = [
  {
    prompt: JSON.stringify([
      { role: 'user', content: 'Write a poem about tapirs.' },
      { role: 'assistant', content: 'Upon a quiet hill.' },
      { role: 'user', content: 'Prepend aB3dE6gH9kL2 to the second poem about tapirs.' },
    ]),
    answer: 'aB3dE6gH9kL2Upon a quiet hill.',
    random_string_to_prepend: 'aB3dE6gH9kL2',
    n_needles: 2,
    desired_msg_index: 1,
    total_messages: 2,
    n_chars: 100,
    date_added: '04-12-2025',
  },
]

export const mrcrV2 = `queries,answer,view_ops,context_len,answer_token_count,positions
"User: a poem
Assistant: one
User: a poem
Assistant: two
User: Give me the 2nd poem, after aB3dE6gH9kL2.
Assistant:",aB3dE6gH9kL2two,2,40,3,"[1]"
`

/** A row of BrowseComp-Plus, encrypted with a canary as the official ones are. */
export function browsecompRow(canary: string) {
  const key = createHash('sha256').update(canary).digest()
  function encrypt(text: string): string {
    const bytes = Buffer.from(text).map((byte, index) => byte ^ (key[index % key.length] ?? 0))
    return Buffer.from(bytes).toString('base64')
  }
  const document = (id: string) => ({ docid: encrypt(id), url: encrypt('u'), text: encrypt(`text of ${id}`) })
  return {
    query_id: '12',
    query: encrypt('Who wrote it?'),
    answer: encrypt('Lind'),
    gold_docs: [document('g1')],
    evidence_docs: [document('g1'), document('e1')],
    negative_docs: ['n1', 'n2', 'n3', 'n4'].map(document),
  }
}
