// `descent replay ID`: does a stored trajectory do the same again? Offline: no model is asked.
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { styleText } from 'node:util'
import { replayTrajectory, type ReplayedCell } from '../../../collectors/replay-trajectory.ts'
import { openSandbox } from '../../../collectors/sandbox/index.ts'
import { storedProtocol } from '../../compose.ts'
import { onInterrupt } from '../interrupt.ts'
import { printJson, say, usingStore, type StoreOption } from '../store-option.ts'

export async function replay(reference: string, options: StoreOption & { json?: boolean }): Promise<void> {
  await usingStore(options, async (store) => {
    const trajectory = await store.readTrajectory(await store.findTrajectory(reference))
    const { config, protocol } = storedProtocol(await store.findRun(trajectory.runId))
    const { hash: taskHash } = await store.readTask(trajectory.runId, trajectory.taskId)
    const sandbox = await openSandbox({ minIsolation: config.minIsolation })
    const scratch = await mkdtemp(path.join(os.tmpdir(), 'descent-replay-'))
    const interrupt = onInterrupt()
    const cells: ReplayedCell[] = []
    try {
      const { signal } = interrupt
      for await (const cell of replayTrajectory({
        store,
        trajectoryId: trajectory.id,
        taskHash,
        protocol,
        config,
        sandbox,
        scratch,
        signal,
      })) {
        cells.push(cell)
        if (options.json) printJson(cell)
        else process.stdout.write(`${line(cell)}\n`)
      }
    } finally {
      interrupt.dispose()
      await sandbox.close()
      await rm(scratch, { recursive: true, force: true })
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
