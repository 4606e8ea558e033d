// A model that says what it is told to: for tests of run files, tools and the loop itself.
import { ModelError, UsageError } from '../../errors.ts'
import type { Model } from '../model.ts'
import { scriptedModel } from './respond.ts'
import type { ScriptedOptions } from './respond.ts'

export interface TableOptions extends ScriptedOptions {
  /** `table` by default. */
  name?: string
  /** After the last text: say it again (the default), start again, or raise a ModelError. */
  atEnd?: 'repeat' | 'restart' | 'error'
}

/**
 * Gives `responses` in order: the one for a request is chosen by the number of assistant messages in
 * it. Errors raised: UsageError without responses; ModelError `exhausted` with `atEnd: 'error'`.
 */
export function createTableModel(responses: readonly string[], options: TableOptions = {}): Model {
  const { name = 'table', atEnd = 'repeat' } = options
  if (responses.length === 0) throw new UsageError('a table model needs at least one response')
  return scriptedModel(
    name,
    ({ messages }) => {
      const wanted = messages.filter(({ role }) => role === 'assistant').length
      if (wanted >= responses.length && atEnd === 'error') {
        throw new ModelError(
          'exhausted',
          `the table has ${responses.length} responses; number ${wanted + 1} was asked for`,
        )
      }
      const index = atEnd === 'restart' ? wanted % responses.length : Math.min(wanted, responses.length - 1)
      return responses[index] ?? ''
    },
    options,
  )
}
