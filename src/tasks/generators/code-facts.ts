// Facts of one file of JavaScript or TypeScript, from its syntax tree: what it imports and what
// parameters its functions take. Comments and strings that look like code are no facts.
import { stripTypeScriptTypes } from 'node:module'
import { parse } from 'acorn'
import type { Node } from 'acorn'

export interface CodeFacts {
  /** Module names as they are written in `import` and `export … from`. */
  imports: string[]
  functions: FunctionFacts[]
}

export interface FunctionFacts {
  /** The name of a function declaration; null for every other kind of function. */
  declared: string | null
  arity: number
  /** Names of parameters, without what is inside patterns. */
  parameters: string[]
}

/** Null for a file that does not parse as a module. */
export function readCode(path: string, text: string): CodeFacts | null {
  let program: Node
  try {
    const source = /\.m?ts$/.test(path) ? stripTypeScriptTypes(text) : text
    program = parse(source, { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true })
  } catch {
    return null
  }
  const facts: CodeFacts = { imports: [], functions: [] }
  visit(program, facts)
  return facts
}

type AnyNode = Node & Record<string, unknown>

function visit(node: Node, facts: CodeFacts): void {
  const { type, source, params, id } = node as AnyNode
  if (/^(?:Import|ExportNamed|ExportAll)Declaration$/.test(type) && isNode(source)) {
    const module = source['value']
    if (typeof module === 'string') facts.imports.push(module)
  }
  if (Array.isArray(params) && /Function/.test(type)) {
    const declared = type === 'FunctionDeclaration' && isNode(id) ? String(id['name']) : null
    const parameters = params.filter(isNode).flatMap(parameterName)
    facts.functions.push({ declared, arity: params.length, parameters })
  }
  for (const [key, child] of Object.entries(node)) {
    if (key === 'type') continue
    if (isNode(child)) visit(child, facts)
    else if (Array.isArray(child)) for (const item of child) if (isNode(item)) visit(item, facts)
  }
}

function parameterName(node: AnyNode): string[] {
  if (node.type === 'Identifier') return [String(node['name'])]
  const inner = node.type === 'AssignmentPattern' ? node['left'] : node['argument']
  return isNode(inner) && inner.type === 'Identifier' ? [String(inner['name'])] : []
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}
