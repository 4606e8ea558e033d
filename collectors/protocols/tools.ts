// A run's own tools: names in the REPL, each a Python source or JSON data, with the line of the prompt
// that tells of it. Checked before a run starts: a bad one would fail every rollout.
import { UsageError } from '../../src/errors.ts'
import type { Json } from '../../src/json.ts'
import type { ReplTool } from '../../src/sandbox.ts'

/** `source` defines `name`, a function or a value; `value` is bound to it as it is. */
export type Tool = { name: string; description: string } & ({ source: string } | { value: Json })

const reserved = new Set(
  'llm_query llm_query_batched rlm_query rlm_query_batched SHOW_VARS FINAL_VAR answer context history'.split(
    ' ',
  ),
)
const numbered = /^(context|history)_\d+$/
const identifier = /^[A-Za-z][A-Za-z0-9_]*$/
const keywords = new Set(
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(
    ' ',
  ),
)

/** Errors raised: UsageError that names every tool whose name cannot be used. */
export function checkToolNames(tools: readonly { name: string }[]): void {
  const names = tools.map((tool) => tool.name)
  complain(
    names.filter((name) => !identifier.test(name) || keywords.has(name)),
    'not a name that Python code can use (letters, digits and _, a letter first, no keyword)',
  )
  complain(
    names.filter((name) => reserved.has(name) || numbered.test(name)),
    `reserved for the REPL itself; reserved are ${[...reserved].join(', ')}, context_N and history_N`,
  )
  complain(
    names.filter((name, index) => names.indexOf(name) !== index),
    'given twice',
  )
}

function complain(names: string[], what: string): void {
  if (names.length === 0) return
  throw new UsageError(`tools: ${names.join(', ')}: ${what}`)
}

export function toReplTool(tool: Tool): ReplTool {
  return 'source' in tool ? { name: tool.name, source: tool.source } : { name: tool.name, value: tool.value }
}
