// The words of DuckDB that browsing needs: names and texts in quotes, columns by their path, and values cut
// before they leave the database. Nothing that a client sent is ever part of a statement but through these.
import type { DuckDBType } from '@duckdb/node-api'
import { UsageError } from '../../errors.ts'
import type { CutLimits } from './cut-value.ts'

export type ColumnKind = 'number' | 'text' | 'flag' | 'time' | 'nested'

export interface Column {
  name: string
  kind: ColumnKind
  /** As DuckDB writes it. */
  type: string
  duckType: DuckDBType
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A path that DuckDB takes as it is, without looking for what its wildcards match. */
export function plainPath(path: string): string {
  return quoteText(path.replaceAll(/[*?[]/g, (character) => `[${character}]`))
}

const kinds: [ColumnKind, RegExp][] = [
  ['number', /^(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|FLOAT|DOUBLE|DECIMAL.*)$/],
  ['text', /^(?:VARCHAR|UUID|ENUM.*)$/],
  ['flag', /^BOOLEAN$/],
  ['time', /^(?:DATE|TIMESTAMP.*)$/],
]

export function kindOf(type: DuckDBType): ColumnKind {
  const name = String(type)
  if (parts(type)) return 'nested'
  return kinds.find(([, pattern]) => pattern.test(name))?.[0] ?? 'nested'
}

/** What a list or a struct is made of; null for anything else. */
function parts(type: DuckDBType): { item: DuckDBType } | { fields: [string, DuckDBType][] } | null {
  if ('valueType' in type && !('keyType' in type)) return { item: type.valueType }
  if ('entryNames' in type && 'entryTypes' in type) {
    const { entryNames, entryTypes } = type
    return {
      fields: entryNames.flatMap((name, index) => (entryTypes[index] ? [[name, entryTypes[index]]] : [])),
    }
  }
  return null
}

export interface FoundColumn {
  expression: string
  kind: ColumnKind
  duckType: DuckDBType
}

/**
 * The expression and kind of a column, or of a field of one (`reward_model.ground_truth`). Errors raised:
 * UsageError that names what there is, through `fail` when it is given.
 */
export function findColumn(
  columns: Column[],
  path: string,
  fail: (problem: string) => never = (problem) => {
    throw new UsageError(problem)
  },
): FoundColumn {
  const known = columns.find(({ name }) => name === path)
  if (known) return { expression: quoteName(known.name), kind: known.kind, duckType: known.duckType }
  const [first = '', ...rest] = path.split('.')
  const column = columns.find(({ name }) => name === first)
  if (!column) return fail(`"${first}" is not a column; the columns are ${nameAll(columns)}`)
  let type = column.duckType
  let expression = quoteName(column.name)
  for (const name of rest) {
    const inside = parts(type)
    const fields = inside && 'fields' in inside ? inside.fields : []
    const field = fields.find(([one]) => one === name)
    if (!field) {
      const has = fields.length > 0 ? `it has ${fields.map(([one]) => one).join(', ')}` : 'it has no fields'
      return fail(`"${path}": there is no "${name}" in ${first}; ${has}`)
    }
    expression = `struct_extract(${expression}, ${quoteText(name)})`
    type = field[1]
  }
  return { expression, kind: kindOf(type), duckType: type }
}

function nameAll(columns: Column[]): string {
  return columns.map(({ name }) => name).join(', ')
}

/** Whether a text that is in the value, however deep, has `needle` in it; both are compared in small letters. */
export function containsExpression(expression: string, type: DuckDBType, needle: string, level = 0): string {
  const inside = parts(type)
  if (inside && 'item' in inside) {
    const each = `e${level}`
    const test = containsExpression(each, inside.item, needle, level + 1)
    return `coalesce(list_bool_or(list_transform(${expression}, lambda ${each}: ${test})), false)`
  }
  if (inside) {
    const tests = inside.fields.map(([name, field]) =>
      containsExpression(`struct_extract(${expression}, ${quoteText(name)})`, field, needle, level),
    )
    return tests.length === 0 ? 'false' : `(${tests.join(' or ')})`
  }
  const text = String(type) === 'VARCHAR' ? expression : `(${expression})::varchar`
  return `coalesce(contains(lower(${text}), ${needle}), false)`
}

/** The expression with texts and lists that are one longer than the limits at most, so that a cut is seen. */
export function cutExpression(expression: string, type: DuckDBType, limits: CutLimits, level = 0): string {
  if (String(type) === 'VARCHAR') return `left(${expression}, ${limits.characters + 1})`
  const inside = parts(type)
  if (inside && 'item' in inside) {
    const each = `e${level}`
    const items = `(${expression})[1:${limits.items + 1}]`
    return `list_transform(${items}, lambda ${each}: ${cutExpression(each, inside.item, limits, level + 1)})`
  }
  if (inside) {
    const fields = inside.fields.map(
      ([name, field]) =>
        `${quoteName(name)} := ${cutExpression(`struct_extract(${expression}, ${quoteText(name)})`, field, limits, level)}`,
    )
    return `case when ${expression} is null then null else struct_pack(${fields.join(', ')}) end`
  }
  return kindOf(type) === 'nested' ? `left((${expression})::varchar, ${limits.characters + 1})` : expression
}
