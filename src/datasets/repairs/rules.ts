// The repairs of protocol mistakes. Each rule is a function of one response and of what the REPL held; it
// says what the response should have been, or null when it finds no mistake of its kind. Whether the
// repaired turn does what was recorded is not decided here: it is executed again (repair.ts).
import { fencesOf, findPlainTag, findTag, isName, plainLiteral, type Tag } from './tags.ts'

export interface View {
  text: string
  /** How answers are given: by the dictionary `answer`, or by tags. */
  convention: 'dictionary' | 'tags'
  /** Names in the REPL after the cells of the turn. */
  variables: ReadonlySet<string>
  /** The turn gave the recorded answer. */
  answered: boolean
  /** Some turn of the trajectory gave it: else the answer was asked for at a limit, or there is none. */
  everAnswered: boolean
  /** The turn is the last one but those that were forced. */
  last: boolean
}

export interface RepairRule {
  name: string
  /** Raised whenever the rule may make another text of the same response. */
  version: string
  meaning: string
  apply(view: View): string | null
}

export const repairRules: readonly RepairRule[] = [
  {
    name: 'final-in-fence',
    version: '1',
    meaning: 'FINAL or FINAL_VAR inside a code block: the tag is put after it',
    apply: tagOutOfFence,
  },
  {
    name: 'final-for-variable',
    version: '1',
    meaning: 'FINAL(name) where the REPL has a variable of that name: FINAL_VAR(name)',
    apply(view) {
      const tag = view.convention === 'tags' ? findPlainTag(view.text) : null
      if (tag?.name !== 'FINAL' || !isName(tag.content) || !view.variables.has(tag.content)) return null
      return withTag(view.text, tag, `FINAL_VAR(${tag.content})`)
    },
  },
  {
    name: 'final-var-for-text',
    version: '1',
    meaning: 'FINAL_VAR(text) where the REPL has no such variable: FINAL(text)',
    apply(view) {
      const tag = view.convention === 'tags' ? findPlainTag(view.text) : null
      if (tag?.name !== 'FINAL_VAR') return null
      const content = plainLiteral(tag.content) ?? tag.content
      if (content === '' || view.variables.has(content)) return null
      return withTag(view.text, tag, `FINAL(${content})`)
    },
  },
  {
    name: 'answer-not-set',
    version: '1',
    meaning: 'a final text or draft stands there, but the answer was never handed in: it is',
    apply: handIn,
  },
  {
    name: 'several-blocks',
    version: '1',
    meaning: 'several code blocks where one was asked for: they become one',
    apply: joinBlocks,
  },
  {
    name: 'prose-after-final',
    version: '1',
    meaning: 'text after the final answer: it is cut',
    apply: cutAfterFinal,
  },
]

function withTag(text: string, { start, end }: Tag, tag: string): string {
  return `${text.slice(0, start)}${tag}${text.slice(end)}`
}

function tagOutOfFence({ text, convention }: View): string | null {
  if (convention !== 'tags' || findPlainTag(text)) return null
  for (const fence of fencesOf(text)) {
    const tag = findTag(text, fence.start, fence.end)
    if (!tag) continue
    const code = withoutTag(fence.body, tag, text.indexOf('\n', fence.start) + 1)
    const opening = text.slice(fence.start, text.indexOf('\n', fence.start))
    const block = code.trim() === '' ? '' : `${opening}\n${code}\n\`\`\``
    const content = plainLiteral(tag.content) ?? tag.content
    const before = text.slice(0, fence.start)
    const after = text.slice(fence.end).trim()
    return [`${before}${block}`.trimEnd(), after, `${tag.name}(${content})`]
      .filter((part) => part !== '')
      .join('\n\n')
  }
  return null
}

/** The body of a fence that begins at `offset`, less the tag, and less its line when nothing else is on it. */
function withoutTag(body: string, tag: Tag, offset: number): string {
  const [start, end] = [tag.start - offset, tag.end - offset]
  const lineStart = body.lastIndexOf('\n', start - 1) + 1
  const lineEnd = body.indexOf('\n', end) === -1 ? body.length : body.indexOf('\n', end) + 1
  const rest = body.slice(lineStart, start) + body.slice(end, lineEnd)
  const left = body.slice(0, lineStart) + (rest.trim() === '' ? '' : rest) + body.slice(lineEnd)
  return left.replace(/\n$/, '')
}

const finalLine = /^[ \t>*_#]*(?:my |the )?final answer(?: is)?[*_]*[ \t]*[:=][*_]*[ \t]*(\S.*)$/im
const draft = /^([ \t]*)answer\[(["'])content\2\][ \t]*=[ \t]*\S.*$/m
const ready = /answer\[(["'])ready\1\][ \t]*=|\.update\(/

function handIn(view: View): string | null {
  const { text, convention, answered, everAnswered, last, variables } = view
  if (answered) return null
  const fences = fencesOf(text)
  if (convention === 'tags') {
    const found = fences.length === 0 && last && !findPlainTag(text) ? finalLine.exec(text) : null
    return found ? `${text.trimEnd()}\n\nFINAL(${finalText(found)})` : null
  }
  const tag = findTag(text)
  if (tag && fences.every(({ body }) => !ready.test(body))) {
    const block = fences.find(({ start, end }) => tag.start > start && tag.start < end)
    const content = plainLiteral(tag.content)
    const value =
      content === null && variables.has(tag.content) ? tag.content : literal(content ?? tag.content)
    const lines = `answer["content"] = ${value}\nanswer["ready"] = True`
    return withTag(text, tag, block ? lines : `\`\`\`repl\n${lines}\n\`\`\``)
  }
  if (everAnswered || !last) return null
  // A draft is no mistake while a later turn could still have handed it in.
  const block = fences.findLast(({ language, body }) => language === 'repl' && draft.test(body))
  if (block && !ready.test(block.body)) {
    const before = text.slice(0, block.end).replace(/\n[ \t]*```[ \t]*$/, '')
    return `${before}\nanswer["ready"] = True\n\`\`\`${text.slice(block.end)}`
  }
  const found = fences.length === 0 ? finalLine.exec(text) : null
  if (!found) return null
  const lines = `answer["content"] = ${literal(finalText(found))}\nanswer["ready"] = True`
  return `${text.trimEnd()}\n\n\`\`\`repl\n${lines}\n\`\`\``
}

/** What the line says, without the marks that make it bold. */
function finalText([, said = '']: RegExpExecArray): string {
  return said.replace(/[ \t*_]+$/, '')
}

/** JSON's strings are Python's too, but for lone surrogates. */
function literal(text: string): string {
  return JSON.stringify(text)
}

function joinBlocks({ text }: View): string | null {
  const blocks = fencesOf(text).filter(({ language }) => language === 'repl')
  const [first] = blocks
  if (!first || blocks.length < 2) return null
  const code = blocks.map(({ body }) => body.trimEnd()).join('\n')
  const prose = blocks.map(({ end }, index) =>
    text.slice(end, blocks[index + 1]?.start ?? text.length).trim(),
  )
  const last = prose.pop() ?? ''
  // What was said between the blocks goes before the one block, what came after them stays after it.
  const block = `\`\`\`repl\n${code}\n\`\`\``
  return [text.slice(0, first.start).trimEnd(), ...prose, block, last]
    .filter((part) => part !== '')
    .join('\n\n')
}

function cutAfterFinal({ text, convention, answered }: View): string | null {
  let end: number | null = null
  if (convention === 'tags') end = findPlainTag(text)?.end ?? null
  else if (answered) end = fencesOf(text).findLast(({ language }) => language === 'repl')?.end ?? null
  if (end === null || text.slice(end).trim() === '') return null
  return text.slice(0, end)
}
