// Tokens for the HTTP door. The store holds hashes only; a revoked token stays listed.
import { and, desc, eq, gt, isNull, or, sql } from 'drizzle-orm'
import { UsageError } from '../errors.ts'
import { query } from './database.ts'
import type { Database } from './database.ts'
import { encodeRow, insertRows } from './insert.ts'
import { toIso } from './instant.ts'
import type { AccessToken, Scope } from './read-contract.ts'
import { findId } from './reference.ts'
import { accessTokens } from './schema.ts'

export async function addToken(
  database: Database,
  token: { id: string; name: string; scope: Scope; hash: Buffer; expiresAt: string | null },
): Promise<void> {
  await query(database, () => insertRows(database.raw, [encodeRow(accessTokens, token)]))
}

/** Newest first. */
export async function listTokens(database: Database): Promise<AccessToken[]> {
  const rows = await query(database, () =>
    database.db.select().from(accessTokens).orderBy(desc(accessTokens.id)),
  )
  return rows.map(toToken)
}

export async function revokeToken(database: Database, reference: string): Promise<AccessToken> {
  const named = (await listTokens(database)).filter(
    (token) => token.name === reference && token.revokedAt === null,
  )
  if (named.length > 1) throw new UsageError(`several tokens are named "${reference}": give the id of one`)
  const kind = {
    table: accessTokens,
    id: accessTokens.id,
    label: accessTokens.name,
    nouns: ['token', 'tokens'] as const,
    latest: () => Promise.resolve(null),
  }
  const id = named[0]?.id ?? (await findId(database, kind, reference))
  const [row] = await query(database, () =>
    database.db
      .update(accessTokens)
      .set({ revokedAt: sql`coalesce(${accessTokens.revokedAt}, now())` })
      .where(eq(accessTokens.id, id))
      .returning(),
  )
  if (!row) throw new UsageError(`no token ${id} in the store at ${database.location}`)
  return toToken(row)
}

export async function validTokens(database: Database): Promise<(AccessToken & { hash: Buffer })[]> {
  const { revokedAt, expiresAt } = accessTokens
  const rows = await query(database, () =>
    database.db
      .select()
      .from(accessTokens)
      .where(and(isNull(revokedAt), or(isNull(expiresAt), gt(expiresAt, sql`now()`)))),
  )
  return rows.map((row) => ({ ...toToken(row), hash: row.hash }))
}

function toToken(row: typeof accessTokens.$inferSelect): AccessToken {
  const { id, name } = row
  return {
    id,
    name,
    scope: row.scope as Scope,
    createdAt: toIso(row.createdAt),
    expiresAt: toIso(row.expiresAt),
    revokedAt: toIso(row.revokedAt),
  }
}
