// Statements that the same code sends again and again are prepared: the server parses and plans them once a
// connection, and the driver asks once instead of twice. Drizzle's builders say so by `prepare(name)`; raw
// SQL by a first word. Others are not: their number has no bound, and their plan depends on their values.
import { sql } from 'drizzle-orm'
import type { Session, Sql } from './connect.ts'

const mark = '/* repeated */'

/** Begins the text of a statement that is to be prepared. */
export const repeated = sql.raw(mark)

type Work = (session: Session) => unknown

/** The same client, for Drizzle, which has no other way to say it of raw SQL. */
export function preparing(client: Sql): Sql {
  const begin = client.begin.bind(client) as (options: string, work: Work) => Promise<unknown>
  const inTransactions = (...given: [Work] | [string, Work]): Promise<unknown> => {
    const [options, work] = given.length === 1 ? ['', given[0]] : given
    return begin(options, (session) => work(marked(session)))
  }
  return marked(Object.assign(client, { begin: inTransactions }))
}

function marked<S extends Session>(session: S): S {
  const send = session.unsafe.bind(session)
  const unsafe: Session['unsafe'] = (text, parameters, options) =>
    send(text, parameters, text.startsWith(mark) ? { ...options, prepare: true } : options)
  return Object.assign(session, { unsafe })
}
