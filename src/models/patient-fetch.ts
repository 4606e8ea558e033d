// `fetch` without time limits of its own. Node's ends every request whose headers, or whose next bytes,
// take 300 seconds, which long answers of big models do; the time limits of a run file are the only ones
// here. The limits are options of a single dispatch, which a dispatcher in front of Node's own sets.

interface Dispatcher {
  dispatch(options: object, handler: unknown): boolean
}

/** Where Node keeps the dispatcher of its `fetch`, for other copies of the same library to find. */
const globalDispatcher = Symbol.for('undici.globalDispatcher.1')

/** `limits` in milliseconds; 0 is none. */
export function createPatientFetch(
  limits: { headersTimeout: number; bodyTimeout: number } = { headersTimeout: 0, bodyTimeout: 0 },
): typeof fetch {
  const dispatcher: Dispatcher = {
    dispatch(options, handler) {
      const own = (globalThis as unknown as Record<symbol, Dispatcher>)[globalDispatcher]
      if (!own) throw new Error('this Node keeps the dispatcher of fetch in another place')
      return own.dispatch({ ...options, ...limits }, handler)
    },
  }
  return async (input, init) => await fetch(input, { ...init, dispatcher } as unknown as RequestInit)
}

export const patientFetch = createPatientFetch()
