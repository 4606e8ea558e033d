// The plan of a dataset as it stands in the address, so that it can be kept and sent to somebody. Pure.
import type { WantedDataset } from '../client.ts'

/** The words of an option, as what they stand for: numbers, flags and null; else the text itself. */
function valueOf(text: string): unknown {
  return /^(?:-?\d+(?:\.\d+)?|true|false|null)$/.test(text) ? (JSON.parse(text) as unknown) : text
}

export const optionPrefix = 'option.'

/** What the API is asked for; nothing that is left at its default is in it. */
export function planOf(query: URLSearchParams): WantedDataset {
  const given = (name: string) => {
    const value = query.get(name)?.trim() ?? ''
    return value === '' ? null : value
  }
  const options = [...query]
    .filter(([name, value]) => name.startsWith(optionPrefix) && value.trim() !== '')
    .map(([name, value]) => [name.slice(optionPrefix.length), valueOf(value.trim())])
  const [where, select, perTask, share, repair] = [
    given('where'),
    given('select'),
    given('maxPerTask'),
    given('evalFraction'),
    given('repair'),
  ]
  const clean = (given('clean') ?? '').split(',').filter((rule) => rule !== '')
  return {
    runs: (given('run') ?? 'latest').split(','),
    recipe: given('recipe') ?? 'sft-turns',
    ...(where === null ? {} : { where }),
    ...(select === null ? {} : { select }),
    ...(perTask === null ? {} : { maxPerTask: valueOf(perTask) }),
    ...(share === null ? {} : { evalFraction: valueOf(share) }),
    ...(clean.length === 0 ? {} : { clean }),
    ...(repair === null ? {} : { repair: [repair] }),
    ...(given('balance') === null ? {} : { balance: true }),
    ...(options.length === 0 ? {} : { recipeOptions: Object.fromEntries(options) as object }),
  }
}

/** Where a plan that was made stands again, to be changed. */
export function planAddress({ runIds, recipeOptions, repair, ...plan }: Record<string, unknown>): string {
  const query = new URLSearchParams()
  const set = (name: string, value: unknown): void => {
    if (Array.isArray(value)) query.set(name, value.join(','))
    else if (/^(?:string|number|boolean)$/.test(typeof value)) query.set(name, String(value))
  }
  set('run', runIds)
  if (repair !== undefined) set('repair', 'all')
  for (const [name, value] of Object.entries(plan)) set(name, value)
  for (const [name, value] of Object.entries((recipeOptions as object | undefined) ?? {}))
    set(`${optionPrefix}${name}`, value)
  return `/datasets/new?${query.toString()}`
}
