// The limits of a session, with what is left open filled in.
import type { SandboxLimits } from '../../src/sandbox.ts'

export type SessionLimits = Required<SandboxLimits>

/** Threads that a cell may have at once, and files it may have open. */
export const mostThreads = 128
export const mostOpenFiles = 64
/** What the interpreter says when it is interrupted; the host puts the reason in its place. */
export const interruptMessage = 'stopped by the host'

export function sessionLimits(limits: SandboxLimits): SessionLimits {
  const { callsPerSession = 1_000_000, wallSeconds = 3600 } = limits
  return { ...limits, callsPerSession, wallSeconds }
}
