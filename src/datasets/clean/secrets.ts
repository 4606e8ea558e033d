// Secrets and personal data: keys by the forms that their issuers publish, private keys, passwords in
// addresses, and e-mail addresses. What is found is never repeated anywhere, only its kind.

export type SecretGroup = 'secrets' | 'emails'

interface Pattern {
  kind: string
  group: SecretGroup
  /** Global. What it matches is replaced; with a group named `secret`, only that part. */
  pattern: RegExp
}

const patterns: Pattern[] = [
  secret(
    'private-key',
    /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[\s\S]*?(?:-----END (?:[A-Z]+ )*PRIVATE KEY-----|$)/g,
  ),
  secret('aws-access-key', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g),
  secret(
    'aws-secret-key',
    /\baws_?secret(?:_?access)?_?key\b["']?\s*[:=]\s*["']?(?<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])/gi,
  ),
  secret('github-token', /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})\b/g),
  secret('gitlab-token', /\bglpat-[A-Za-z0-9_-]{20,}/g),
  secret('anthropic-key', /\bsk-ant-[A-Za-z0-9_-]{20,}/g),
  secret('openai-key', /\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}/g),
  secret('huggingface-token', /\bhf_[A-Za-z0-9]{30,}\b/g),
  secret('google-api-key', /\bAIza[A-Za-z0-9_-]{35}/g),
  secret('slack-token', /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g),
  secret('stripe-key', /\b[rs]k_live_[A-Za-z0-9]{20,}\b/g),
  secret('npm-token', /\bnpm_[A-Za-z0-9]{36}\b/g),
  secret('json-web-token', /\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/g),
  secret(
    'password-in-address',
    /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@"']{1,200}:(?<secret>[^\s:/@"']{3,200})@/gi,
  ),
  {
    kind: 'e-mail',
    group: 'emails',
    pattern:
      /(?<![\w.%+-])[A-Za-z0-9][\w.%+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![\w-])/g,
  },
]

function secret(kind: string, pattern: RegExp): Pattern {
  return { kind, group: 'secrets', pattern }
}

export interface Redacted {
  text: string
  /** The kind of each thing that was found, in the order of the patterns. */
  found: string[]
}

/** Puts `[REDACTED:kind]` in place of each secret of the groups; the text as it was when there is none. */
export function redact(text: string, groups: ReadonlySet<SecretGroup>): Redacted {
  const found: string[] = []
  let left = text
  for (const { kind, group, pattern } of patterns) {
    if (!groups.has(group)) continue
    left = left.replaceAll(pattern, (...match) => {
      found.push(kind)
      const [whole] = match as string[]
      const part = (match.at(-1) as { secret?: string } | undefined)?.secret
      const mark = `[REDACTED:${kind}]`
      return typeof part === 'string' ? (whole ?? '').replace(part, () => mark) : mark
    })
  }
  return { text: left, found }
}

/** A redacting copy of JSON-like data. What is shared stays shared, so that prompts stay prefixes. */
export function createRedactor(groups: ReadonlySet<SecretGroup>): <Value>(value: Value) => Value {
  const copies = new WeakMap<object, unknown>()
  function copy(value: unknown): unknown {
    if (typeof value === 'string') return redact(value, groups).text
    if (typeof value !== 'object' || value === null) return value
    const known = copies.get(value)
    if (known !== undefined) return known
    const made = Array.isArray(value)
      ? value.map(copy)
      : Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copy(inner)]))
    copies.set(value, made)
    return made
  }
  return <Value>(value: Value) => copy(value) as Value
}
