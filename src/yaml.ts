// YAML checked by a schema, with mistakes reported as one line: file, line, field, what is allowed.
import { isNode, LineCounter, parseDocument, type Document } from 'yaml'
import { z } from 'zod'
import { UsageError } from './errors.ts'

/** Errors raised: UsageError naming file, line and field. `name` is how the file is called in messages. */
export function parseYaml<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  name: string,
): z.output<Schema> {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const broken = document.errors[0]
  if (broken) {
    const { line, col } = lines.linePos(broken.pos[0])
    throw new UsageError(`${name}:${line}:${col}: not valid YAML: ${broken.message.split('\n')[0]}`)
  }
  const parsed = schema.safeParse(document.toJS())
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map(deepest)
  const first = issues[0]
  if (!first) throw new UsageError(`${name}: not accepted`)
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : ''
  throw new UsageError(
    `${name}:${lineOf(document, first, lines)}: ${describe(first, schema, document.toJS())}${more}`,
  )
}

type Issue = z.core.$ZodIssue

/** Of a union's branches, the mistake in the one that got furthest. */
function deepest(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue
  const branches = issue.errors.flatMap((branch) => branch.slice(0, 1)).map(deepest)
  const best = branches.toSorted((a, b) => rank(b) - rank(a))[0]
  return best ? { ...best, path: [...issue.path, ...best.path] } : issue
}

function rank(issue: Issue): number {
  return issue.path.length * 2 + (issue.code === 'unrecognized_keys' ? 1 : 0)
}

function describe(issue: Issue, schema: z.ZodType, value: unknown): string {
  if (issue.code === 'unrecognized_keys') {
    const field = [...issue.path, issue.keys[0] ?? ''].join('.')
    const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as SchemaNode
    const allowed = fieldsAt(root, issue.path)
    return `unknown field ${field}; allowed here: ${allowed.join(', ')}`
  }
  const field = issue.path.length > 0 ? issue.path.join('.') : 'the file'
  const given = issue.path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  )
  if (given === undefined && issue.code === 'invalid_type')
    return `${field} is missing (${issue.message.replace(/^Invalid input: /, '').replace(/, received undefined$/, '')})`
  if (issue.code === 'invalid_value') {
    return `${field}: ${JSON.stringify(given)} is not allowed; allowed values: ${issue.values.map(String).join(', ')}`
  }
  const shown = given !== undefined && typeof given !== 'object' && !mayHoldKey.test(field)
  return `${field}: ${issue.message.replace(/^Invalid input: /, '')}${shown ? ` (got ${JSON.stringify(given)})` : ''}`
}

/** Fields into which people write keys by mistake: what they hold is not repeated in a message. */
const mayHoldKey = /(key|url|token|secret|password)\w*$/i

interface SchemaNode {
  properties?: Record<string, SchemaNode>
  items?: SchemaNode
  anyOf?: SchemaNode[]
  oneOf?: SchemaNode[]
  $ref?: string
  $defs?: Record<string, SchemaNode>
}

/** The fields that the JSON Schema allows at `path`. */
function fieldsAt(root: SchemaNode, path: readonly PropertyKey[]): string[] {
  const resolve = (node: SchemaNode): SchemaNode[] => {
    const target = node.$ref ? root.$defs?.[node.$ref.replace('#/$defs/', '')] : node
    if (!target) return []
    return [...(target.anyOf ?? []), ...(target.oneOf ?? [])].flatMap(resolve).concat(target)
  }
  let nodes = resolve(root)
  for (const key of path) {
    nodes = nodes.flatMap((node) => {
      const next = typeof key === 'number' ? node.items : node.properties?.[String(key)]
      return next ? resolve(next) : []
    })
  }
  return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))]
}

function lineOf(document: Document, issue: Issue, lines: LineCounter): number {
  const path = [...issue.path]
  if (issue.code === 'unrecognized_keys') path.push(issue.keys[0] ?? '')
  for (; path.length > 0; path.pop()) {
    const node = document.getIn(path, true)
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return 1
}
