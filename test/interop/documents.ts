// The formats of others, each read by its own package.
import { join } from 'node:path'
import { exportDataset } from '../../src/datasets/index.ts'
import { createMemoryStore } from '../datasets/memory-store.ts'
import { withEngineTokens } from '../datasets/token-fixtures.ts'
import { treeContent } from './content.ts'
import { jsonLines, preparePython } from './python.ts'

export type Say = (outcome: 'passed' | 'failed' | 'skipped', what: string, detail?: string) => void

/** Recipe, and the Python packages that read it. */
const readers: [recipe: string, packages: string[]][] = [
  ['atif', ['atif']],
  ['verifiers-traces', ['verifiers']],
  ['scout', ['inspect-scout']],
  ['sts', ['datasets', 'teich']],
]

export async function examineDocuments(place: string, say: Say): Promise<void> {
  const content = treeContent()
  const tokens = withEngineTokens(content.trajectories)
  for (const [recipe, packages] of readers) {
    const directory = join(place, `documents-${recipe}`)
    await exportDataset({
      store: createMemoryStore({ ...content, tokens }),
      runIds: ['run-1'],
      recipe,
      directory,
      evalFraction: 0.4,
    })
    await examineWith(packages, [recipe, directory], say)
  }
}

/** The checks of documents.py; skipped, by name, where the packages cannot be installed or do not run. */
export async function examineWith(packages: string[], arguments_: string[], say: Say): Promise<void> {
  const python = await preparePython(packages)
  if ('reason' in python) return say('skipped', packages.join(', '), python.reason)
  const program = join(import.meta.dirname, 'documents.py')
  try {
    for (const line of await jsonLines(python.python, [program, ...arguments_]))
      say(line['ok'] === true ? 'passed' : 'failed', String(line['check']), String(line['detail']))
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    const last = text.trim().split('\n').at(-1) ?? text
    const missing = /^(?:ModuleNotFoundError|ImportError)/.test(last)
    say(missing ? 'skipped' : 'failed', `${packages.join(', ')} on ${arguments_[0] ?? ''}`, last)
  }
}
