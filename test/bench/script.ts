// What every rollout of the collection benchmark does: six turns, each with one batch of ten sub-calls
// over pieces of a context of 100,000 characters. The answer sums what the sub-calls said, so that a
// rollout that mixed them up is seen.
export const turns = 6
export const batch = 10
const contextCharacters = 100_000
const pieceCharacters = 1_000

export const question = 'How many characters have the prompts that you send?'

function promptStart(turn: number): string {
  return `Turn ${turn}: how many characters?\n\n`
}

/** `shift` moves the pieces, so that the prompts of two rollouts differ as those of real models do. */
export function turnOf(turn: number, shift: number): string {
  const step = contextCharacters / batch
  const lines = [
    ...(turn === 0 ? ['total = 0'] : []),
    `starts = [i * ${step} + ${shift % (step - pieceCharacters)} for i in range(${batch})]`,
    `pieces = [context[start : start + ${pieceCharacters}] for start in starts]`,
    `replies = llm_query_batched([${JSON.stringify(promptStart(turn))} + piece for piece in pieces])`,
    'total += sum(int(reply) for reply in replies)',
    'print(replies, total)',
    ...(turn === turns - 1 ? ['answer["content"] = str(total)', 'answer["ready"] = True'] : []),
  ]
  return `Next, I ask about ten pieces.\n\n\`\`\`repl\n${lines.join('\n')}\n\`\`\``
}

export const expectedAnswer = String(
  Array.from({ length: turns }, (_, turn) => batch * (pieceCharacters + promptStart(turn).length)).reduce(
    (sum, characters) => sum + characters,
  ),
)

/** Text that is no better to compress than prose is; the same for the same number. */
export function contextOf(task: number): string {
  let state = task + 1
  let text = ''
  while (text.length < contextCharacters) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    text += `${words[(state >>> 16) % words.length]}${(state >>> 8) % 13 === 0 ? '.\n' : ' '}`
    if ((state >>> 12) % 11 === 0) text += `${state} `
  }
  return text.slice(0, contextCharacters)
}

const words =
  'river stone copper harvest letter window engine salt meadow captain signal paper winter bridge market thread lantern valley number copper garden island mirror pepper quarry rabbit saddle timber under velvet wagon yellow anchor barrel candle dragon eagle feather glacier hammer'.split(
    ' ',
  )
