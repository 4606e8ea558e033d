// What must come of a hostile cell, and how a result differs from it.
import type { CellResult, Isolation, SandboxLimits } from '../../src/sandbox.ts'

type Expected = string | RegExp

export interface HostileCell {
  name: string
  /** TARGET_FILE and TARGET_PORT stand for a file of the host with a secret and a port it listens on. */
  code: string
  /** Printed by the cell, exactly or as a pattern. */
  stdout?: Expected
  /** The exception's class; where levels differ, for each. Patterns are for differences between Pythons. */
  error?: Expected | Partial<Record<Isolation, Expected>>
  message?: RegExp
  /** Where levels differ, for each. */
  death?: RegExp | Partial<Record<Isolation, RegExp>>
  limits?: Partial<SandboxLimits>
}

export function aimed(code: string, file: string, port: number): string {
  return code.replaceAll('TARGET_FILE', file).replaceAll('TARGET_PORT', `${port}`)
}

/** What is not as it must be, in words; empty when all is. */
export function differences(cell: HostileCell, result: CellResult, level: Isolation): string[] {
  const death = result.death ? `${result.death.reason}: ${result.death.detail}` : ''
  const deadly = at(cell.death, level)
  const error = at(cell.error, level) ?? (deadly ? 'Killed' : '')
  const traceback = result.error?.traceback ?? ''
  const found: string[] = []
  function must(what: string, seen: string, wanted: Expected): void {
    if (!exactly(wanted).test(seen)) found.push(`${what}: ${JSON.stringify(seen.slice(0, 300))}`)
  }
  must('death', death, deadly ?? '')
  must('error', result.error?.type ?? '', error)
  must('message', result.error?.message ?? '', cell.message ?? /^/)
  must('stdout', result.stdout, cell.stdout ?? /^/)
  if (traceback.length > 8200) found.push(`traceback: ${traceback.length} characters`)
  if (traceback.includes('<descent:')) found.push('traceback: shows the runner')
  return found
}

function at(
  expected: Expected | Partial<Record<Isolation, Expected>> | undefined,
  level: Isolation,
): Expected | undefined {
  if (typeof expected !== 'object' || expected instanceof RegExp) return expected
  return expected[level]
}

function exactly(expected: Expected): RegExp {
  if (expected instanceof RegExp) return expected
  return new RegExp(`^${expected.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}$`)
}
