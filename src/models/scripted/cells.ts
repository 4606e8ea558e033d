// The Python that scripted policies write: small cells that build on each other's variables, from the
// first look at the context to `candidate`. Each returns code without its fence.
import { mentionInstruction, numberInstruction, textInstruction } from './instructions.ts'
import { bordersPath } from './question.ts'
import type { Question } from './question.ts'

/** A Python string literal. */
export function quote(text: string): string {
  return JSON.stringify(text).replaceAll('```', String.raw`\u0060\u0060\u0060`)
}

export function lines(...parts: (string | null)[]): string {
  return parts.filter((part) => part !== null).join('\n')
}

export function inspect(characters = 600): string {
  return lines(
    'print(type(context).__name__, len(context))',
    'first = context if isinstance(context, str) else str(context[0] if isinstance(context, list) else list(context.items())[:1])',
    `print(first[:${characters}])`,
  )
}

export function split(): string {
  return lines(
    'import re',
    'pieces = context if isinstance(context, list) else re.split(r"(?m)^(?=### Country: )", context)',
    'documents = {}',
    'for piece in pieces:',
    '    heading = re.match(r"### Country: (.*)", piece)',
    '    if heading:',
    '        documents[heading.group(1).strip()] = piece.strip()',
    'print(len(documents), "documents:", ", ".join(list(documents)[:12]))',
  )
}

/** Leaves `rows`: country -> text of the field, of the countries that the question is about. */
export function select(question: Question): string {
  return lines(
    `field = ${quote(question.path)}`,
    'rows = {}',
    'for name, text in documents.items():',
    '    for line in text.split("\\n"):',
    '        if line.startswith(field + ": "):',
    '            rows[name] = line[len(field) + 2:]',
    ...neighbourLines(question),
    'print(len(rows), "of", len(documents), "documents are in question and have the field")',
    'for name in list(rows)[:5]:',
    '    print(name, "|", rows[name][:120])',
  )
}

function neighbourLines(question: Question): string[] {
  if (question.shape === 'number' || question.shape === 'text') {
    return [`rows = {name: text for name, text in rows.items() if name == ${quote(question.country)}}`]
  }
  if ((question.shape !== 'extreme' && question.shape !== 'above') || !question.centre) return []
  const { centre } = question
  const find =
    'country' in centre
      ? `centre = ${quote(centre.country)}`
      : `centre = [name for name, text in documents.items() if ${quote(`${centre.path}: ${centre.value}`)} in text.split("\\n")][0]`
  return [
    find,
    `border_field = ${quote(bordersPath)}`,
    'border_line = [line for line in documents[centre].split("\\n") if line.startswith(border_field + ": ")][0]',
    'neighbours = re.findall(r"(?:^|, )([^\\d]+?) [\\d,.]+ km", border_line[len(border_field) + 2:])',
    'print(centre, "borders", neighbours)',
    'rows = {name: text for name, text in rows.items() if name in neighbours}',
  ]
}

function instructionOf(question: Question): string {
  if (question.shape === 'countMentions') return mentionInstruction(question.path, question.word)
  if (question.shape === 'text' || question.shape === 'countryOf') return textInstruction(question.path)
  return numberInstruction(question.path)
}

/** Leaves `replies` of the sub-model: over whole documents when `whole`, else over the selected lines. */
export function ask(question: Question, whole: boolean): string {
  return lines(
    `instruction = ${quote(instructionOf(question))}`,
    whole
      ? 'items = [documents[name] for name in rows]'
      : 'items = ["### Country: " + name + "\\n" + field + ": " + text for name, text in rows.items()]',
    'batches = [[]]',
    'for item in items:',
    '    if sum(len(other) for other in batches[-1]) + len(item) > 60000 or len(batches[-1]) == 40:',
    '        batches.append([])',
    '    batches[-1].append(item)',
    'replies = llm_query_batched([instruction + "\\n\\n" + "\\n\\n".join(batch) for batch in batches])',
    'print(len(replies), "replies")',
    'print(replies[0][:500])',
  )
}

/** Leaves `values`: what code reads in `rows`; prints where the sub-model's reading differs. */
export function verify(question: Question): string {
  return lines(
    readReplies,
    readRows(question),
    'differences = [name for name in values if str(read.get(name)) != shown(values[name])]',
    'print(len(values), "values read by code;", len(differences), "differ from the sub-model")',
    'for name in differences[:10]:',
    '    print(name, "| sub-model:", read.get(name), "| text:", rows[name][:80])',
  )
}

/** Leaves `values` as the sub-model read them, unchecked. */
export function trust(question: Question): string {
  const numeric = !['countMentions', 'text', 'countryOf'].includes(question.shape)
  return lines(
    readReplies,
    numeric
      ? 'values = {name: float(value) for name, value in read.items() if re.fullmatch(r"-?\\d+(\\.\\d+)?", value)}'
      : question.shape === 'countMentions'
        ? 'values = {name: value == "yes" for name, value in read.items()}'
        : 'values = read',
    'print(len(values), "values read by the sub-model")',
  )
}

const readReplies = lines(
  'read = {}',
  'for reply in replies:',
  '    for line in reply.split("\\n"):',
  '        name, separator, value = line.partition(" | ")',
  '        if separator:',
  '            read[name.strip()] = value.strip()',
)

/** Leaves `values` (country -> number, bool or text) and `shown`, which writes one as the sub-model would. */
export function readRows(question: Question): string {
  switch (question.shape) {
    case 'countMentions':
      return lines(
        `word = re.compile(r"(?<![A-Za-z])" + re.escape(${quote(question.word)}) + r"(?![A-Za-z])", re.I)`,
        'values = {name: word.search(text) is not None for name, text in rows.items()}',
        'shown = lambda value: "yes" if value else "no"',
      )
    case 'text':
    case 'countryOf':
      return lines('values = dict(rows)', 'shown = lambda value: value')
    case 'countNumbers':
    case 'number':
    case 'extreme':
    case 'above':
    default:
      return lines(
        'values = {}',
        'for name, text in rows.items():',
        '    number = re.match(r"\\$?(-?\\d[\\d,]*(?:\\.\\d+)?)", text)',
        '    if number:',
        '        values[name] = float(number.group(1).replace(",", ""))',
        'shown = lambda value: str(int(value)) if value == int(value) else str(value)',
      )
  }
}

/** Leaves `candidate`, the answer as text, and prints it with what it rests on. */
export function conclude(question: Question): string {
  return lines(...conclusion(question), 'print("candidate:", candidate)')
}

function conclusion(question: Question): string[] {
  const show = 'lambda value: str(int(value)) if value == int(value) else str(value)'
  switch (question.shape) {
    case 'countNumbers': {
      const sign = question.least ? '>=' : '<='
      return [`candidate = str(len([name for name in values if values[name] ${sign} ${question.limit}]))`]
    }
    case 'countMentions':
      return ['candidate = str(len([name for name in values if values[name]]))']
    case 'number':
      return [`written = ${show}`, `candidate = written(values[${quote(question.country)}])`]
    case 'text':
      return [`candidate = values[${quote(question.country)}]`]
    case 'countryOf':
      return [`candidate = [name for name in values if values[name] == ${quote(question.value)}][0]`]
    case 'extreme':
      return [
        `ranking = sorted(values.items(), key=lambda item: item[1]${question.highest ? ', reverse=True' : ''})`,
        'print(ranking[:5])',
        `candidate = ", ".join(name for name, value in ranking[:${question.count}])`,
      ]
    case 'above':
    default:
      return [
        `chosen = [name for name in values if values[name] >= ${question.limit}]`,
        'print([(name, values[name]) for name in chosen[:20]])',
        'candidate = ", ".join(chosen)',
      ]
  }
}

/** From the context to `candidate` by code alone, in one cell. */
export function everything(question: Question): string {
  return lines(split(), select(question), readRows(question), conclude(question))
}

/** For questions of no known shape: the windows of the context that share most words with the question. */
export function search(words: readonly string[]): string {
  return lines(
    'parts = context if isinstance(context, list) else list(context.values()) if isinstance(context, dict) else [context]',
    'text = "\\n\\n".join(part if isinstance(part, str) else str(part) for part in parts)',
    `words = [${words.map(quote).join(', ')}]`,
    'lowered = text.lower()',
    'scores = [(sum(1 for word in words if word in lowered[start:start + 2000]), -start) for start in range(0, len(text), 1500)]',
    'scores.sort(reverse=True)',
    'passages = [text[-start:-start + 2000] for score, start in scores[:8]]',
    'print(len(text), "characters;", scores[:8])',
    'print(passages[0][:500] if passages else "nothing")',
  )
}

export function askPassages(question: string): string {
  return lines(
    `question = ${quote(question)}`,
    'replies = llm_query_batched([question + "\\n\\nAnswer from this passage alone, in a few words, or say unknown:\\n\\n" + passage for passage in passages])',
    'for reply in replies:',
    '    print(reply[:200])',
  )
}

export function concludePassages(hasSubCalls: boolean): string {
  return lines(
    hasSubCalls
      ? 'known = [reply.strip() for reply in replies if reply.strip() and reply.strip() != "unknown"]'
      : 'known = [line.strip() for line in passages[0].split("\\n") if any(word in line.lower() for word in words)] if passages else []',
    'candidate = known[0] if known else "unknown"',
    'print("candidate:", candidate)',
  )
}
