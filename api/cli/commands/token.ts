// `descent token create | list | revoke`: access to the HTTP door.
import { makeSecret } from '../../http/access.ts'
import { UsageError } from '../../../src/errors.ts'
import { newId } from '../../../src/ids.ts'
import type { Scope } from '../../../src/store/contract.ts'
import { scopes } from '../../../src/store/read-contract.ts'
import { formatTable } from '../format.ts'
import { decimal } from '../numbers.ts'
import { printJson, say, usingStore, type StoreOption } from '../store-option.ts'

interface TokenOptions extends StoreOption {
  json?: boolean
}

export async function createToken(
  name: string,
  options: TokenOptions & { scope: string; days?: string },
): Promise<void> {
  const scope = scopes.find((known) => known === options.scope)
  if (!scope) throw new UsageError(`--scope: "${options.scope}" is not known; allowed: ${scopes.join(', ')}`)
  if (name.trim() === '') throw new UsageError('token create: give the token a name that tells who has it')
  const days = options.days === undefined ? null : decimal(options.days, '--days', 0)
  const expiresAt = days === null ? null : new Date(Date.now() + days * 86_400_000).toISOString()
  await usingStore(options, async (store) => {
    const { secret, hash } = makeSecret()
    const id = newId()
    await store.addToken({ id, name: name.trim(), scope: scope satisfies Scope, hash, expiresAt })
    if (options.json) printJson({ id, name: name.trim(), scope, expiresAt, secret })
    else {
      process.stdout.write(`${secret}\n`)
      say('This is shown once: the store keeps only a hash. From now on the API asks for a token.')
    }
  })
}

export async function listTokens(options: TokenOptions): Promise<void> {
  await usingStore(options, async (store) => {
    const tokens = await store.listTokens()
    if (options.json) {
      for (const token of tokens) printJson(token)
      return
    }
    const rows = tokens.map(({ id, name, scope, createdAt, expiresAt, revokedAt }) => [
      id,
      name,
      scope,
      createdAt.slice(0, 10),
      revokedAt === null ? (expiresAt === null ? 'valid' : `until ${expiresAt.slice(0, 10)}`) : 'revoked',
    ])
    process.stdout.write(`${formatTable(['id', 'name', 'scope', 'made', 'state'], rows)}\n`)
  })
}

export async function revokeToken(reference: string, options: TokenOptions): Promise<void> {
  await usingStore(options, async (store) => {
    const token = await store.revokeToken(reference)
    if (options.json) printJson(token)
    else say(`token ${token.id} (${token.name}) is revoked`)
  })
}
