// `descent replay ID`: does a stored trajectory do the same again? Offline: no model is asked.
import { styleText } from 'node:util'
import type { ReplayedCell } from '../../../collectors/replay-trajectory.ts'
import { replayStored } from '../../replay.ts'
import { onInterrupt } from '../interrupt.ts'
import { printJson, say, usingStore, type StoreOption } from '../store-option.ts'

export async function replay(reference: string, options: StoreOption & { json?: boolean }): Promise<void> {
  await usingStore(options, async (store) => {
    const interrupt = onInterrupt()
    const cells: ReplayedCell[] = []
    try {
      for await (const cell of replayStored(store, reference, interrupt.signal)) {
        cells.push(cell)
        if (options.json) printJson(cell)
        else process.stdout.write(`${line(cell)}\n`)
      }
    } finally {
      interrupt.dispose()
    }
    const differing = cells.filter((cell) => cell.outcome === 'differs').length
    say(
      differing === 0
        ? `${cells.length} cells did the same again`
        : `${differing} of ${cells.length} cells did something else`,
    )
    if (differing > 0) process.exitCode = 1
  })
}

function line(cell: ReplayedCell): string {
  const place = `${'  '.repeat(cell.depth)}turn ${cell.turn + 1}, cell ${cell.cell + 1}`
  if (!cell.divergence)
    return `${place}: ${styleText(cell.outcome === 'same' ? 'green' : 'dim', cell.outcome)}`
  const { what, recorded, replayed } = cell.divergence
  return `${place}: ${styleText('red', `differs in its ${what}`)}\n  recorded: ${quoted(recorded)}\n  replayed: ${quoted(replayed)}`
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 160 ? `${text.slice(0, 159)}…` : text)
}
