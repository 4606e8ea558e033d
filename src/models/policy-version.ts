// Tells which weights answer: a label of the run file, or what a URL says, asked at most every so many
// seconds. A label that cannot be had is null: a wrong one would spoil on-policy data.
import type { ModelConfig } from '../run-file.ts'

/** The label in force now; null when there is none. Never throws. */
export type PolicyVersion = () => Promise<string | null>

const longestLabel = 200

/** `key` is sent only when the URL has the same origin as the model's server. */
export function createPolicyVersion(
  config: Pick<
    ModelConfig,
    'policyVersion' | 'policyVersionUrl' | 'policyVersionField' | 'policyVersionSeconds'
  >,
  server: { endpoint: string; key: string },
): PolicyVersion {
  const { policyVersionUrl: url } = config
  if (!url) return async () => config.policyVersion ?? null
  const holdsMs = (config.policyVersionSeconds ?? 10) * 1000
  const sameOrigin = URL.canParse(server.endpoint) && new URL(server.endpoint).origin === new URL(url).origin
  const headers: Record<string, string> =
    sameOrigin && server.key ? { authorization: `Bearer ${server.key}` } : {}
  let asked = -Infinity
  let answer: Promise<string | null> = Promise.resolve(null)

  async function ask(address: string): Promise<string | null> {
    try {
      const response = await fetch(address, { headers, signal: AbortSignal.timeout(5000) })
      if (!response.ok) return null
      return labelIn(await response.text(), config.policyVersionField)
    } catch {
      return null
    }
  }

  return async () => {
    if (performance.now() - asked >= holdsMs) {
      asked = performance.now()
      answer = ask(url)
    }
    return await answer
  }
}

function labelIn(text: string, field: string | undefined): string | null {
  let value: unknown = text.trim()
  if (field !== undefined || /^["{\d]/.test(text.trim())) {
    try {
      value = JSON.parse(text)
    } catch {
      if (field !== undefined) return null
    }
  }
  for (const name of field?.split('.') ?? [])
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value.slice(0, longestLabel) : null
}
