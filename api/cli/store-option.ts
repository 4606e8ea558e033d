// The store of a command: `--store`, else DESCENT_STORE, else ./.descent.
import { Option, type Command } from 'commander'
import { environment } from '../../src/env.ts'
import type { Store } from '../../src/store/contract.ts'

export interface StoreOption {
  store?: string
}

export function withStore(command: Command): Command {
  return command.addOption(
    new Option('--store <where>', 'a directory, or a postgres:// URL')
      .env('DESCENT_STORE')
      .default('./.descent'),
  )
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON on stdout')
}

/** Opens the store for `use` and closes it whatever happens. */
export async function usingStore<T>(options: StoreOption, use: (store: Store) => Promise<T>): Promise<T> {
  // Loaded late: `--help` and mistakes in the arguments need no store.
  const { openStore } = await import('../../src/store/index.ts')
  const store = await openStore(options.store ?? environment.store ?? './.descent')
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
