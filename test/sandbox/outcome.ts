// What must come of a hostile cell, and how a result differs from it.
import type { CellResult, SandboxLimits } from '../../src/sandbox.ts'

export interface HostileCell {
  name: string
  code: string
  /** Printed by the cell, exactly or as a pattern. */
  stdout?: string | RegExp
  /** The exception's class, one of several at times. */
  error?: string | RegExp
  message?: RegExp
  death?: RegExp
  limits?: Partial<SandboxLimits>
}

/** What is not as it must be, in words; empty when all is. */
export function differences(cell: HostileCell, result: CellResult): string[] {
  const death = result.death ? `${result.death.reason}: ${result.death.detail}` : ''
  const error = cell.error ?? (cell.death ? /^(Killed|)$/ : '')
  const traceback = result.error?.traceback ?? ''
  const found: string[] = []
  function must(what: string, seen: string, wanted: string | RegExp): void {
    if (!exactly(wanted).test(seen)) found.push(`${what}: ${JSON.stringify(seen.slice(0, 300))}`)
  }
  must('death', death, cell.death ?? '')
  must('error', result.error?.type ?? '', error)
  must('message', result.error?.message ?? '', cell.message ?? /^/)
  must('stdout', result.stdout, cell.stdout ?? /^/)
  if (traceback.length > 8200) found.push(`traceback: ${traceback.length} characters`)
  if (traceback.includes('<descent:')) found.push('traceback: shows the runner')
  return found
}

function exactly(expected: string | RegExp): RegExp {
  if (expected instanceof RegExp) return expected
  return new RegExp(`^${expected.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}$`)
}
