// `descent fork ID --turn N`: continuations of a stored trajectory from one common beginning, as a run of
// its own. Each knows where it comes from.
import { planFork } from '../../fork.ts'
import { decimal, wholeNumber } from '../numbers.ts'
import { printJson, say, usingStore, type StoreOption } from '../store-option.ts'
import { collectRun, result, summaryText } from './collect.ts'

interface ForkOptions extends StoreOption {
  turn: string
  rollouts: string
  model?: string
  temperature?: string
  json?: boolean
}

export async function fork(reference: string, options: ForkOptions): Promise<void> {
  const { model, temperature } = options
  await usingStore(options, async (store) => {
    const wanted = {
      turns: wholeNumber(options.turn, '--turn', 1),
      rollouts: wholeNumber(options.rollouts, '--rollouts', 1),
      model,
      temperature: temperature === undefined ? undefined : decimal(temperature, '--temperature', 0, 2),
    }
    const { run, prepared, origin } = await planFork(store, reference, wanted, process.cwd())
    const summary = await collectRun(store, prepared, run, {})
    if (options.json) printJson({ ...result(summary), origin })
    else say(summaryText(summary))
  })
}
