// The loaders of trainers that are too large to install whole: each without what it trains with, on top of
// the environment of TRL, which has PyTorch, transformers and datasets. What cannot be had is named.
import { join } from 'node:path'
import { exportDataset } from '../../src/datasets/index.ts'
import { makeContent } from '../datasets/fixtures.ts'
import { createMemoryStore } from '../datasets/memory-store.ts'
import type { Say } from './documents.ts'
import { jsonLines, preparePython, type PythonOptions } from './python.ts'

export const trlPackages = ['trl', 'torch']

interface Trainer {
  name: string
  /** What its loader imports; `alone` is installed without what it asks for. */
  packages: string[]
  alone: string[]
  options?: PythonOptions
  /** Of which directory: the training set, or JSON lines of `rl-prompts`. */
  lines?: boolean
}

const trainers: Trainer[] = [
  {
    name: 'axolotl',
    alone: [
      'axolotl',
      'axolotl-contribs-lgpl',
      'axolotl-contribs-mit',
      'addict',
      'colorama',
      'numba',
      'llvmlite',
      'fire',
      'scipy',
      'einops',
      'posthog',
      'distro',
    ],
    packages: [],
  },
  { name: 'skyrl', alone: ['skyrl'], packages: ['loguru'] },
  { name: 'prime-rl', alone: [], packages: ['renderers', 'httpx'] },
  {
    name: 'nemo-gym',
    alone: ['nemo-gym'],
    packages: [
      'openai',
      'pydantic',
      'orjson',
      'requests',
      'uvicorn',
      'aiohttp',
      'fastapi',
      'omegaconf',
      'itsdangerous',
      'httptools',
      'rich',
      'hydra-core',
      'ray',
      'yappi',
      'pydot',
      'scipy',
      'wandb',
    ],
    lines: true,
    // It asks for a newer Python than its loader needs.
    options: { anyPython: true },
  },
]

/** `training` holds the configs of `writeTrainingSet`, the tokenizer beside it. */
export async function examineLoaders(training: string, say: Say): Promise<void> {
  const base = await preparePython(trlPackages)
  const lines = join(training, '..', 'rl-prompts-lines')
  await exportDataset({
    store: createMemoryStore(makeContent(4, 1)),
    runIds: ['run-1'],
    recipe: 'rl-prompts',
    format: 'jsonl',
    directory: lines,
    evalFraction: 0,
  })
  say('skipped', 'prime-rl', 'it is not on the package index; its renderers, which are, read the data below')
  for (const { name, packages, alone, options, lines: asLines } of trainers) {
    if ('reason' in base) {
      say('skipped', `the loader of ${name}`, base.reason)
      continue
    }
    const python = await preparePython(packages, { ...options, alone, on: base.python })
    if ('reason' in python) {
      say('skipped', `the loader of ${name}`, python.reason)
      continue
    }
    await examineLoader(python.python, name, asLines ? lines : training, say)
  }
}

async function examineLoader(python: string, name: string, directory: string, say: Say): Promise<void> {
  const program = join(import.meta.dirname, 'loaders.py')
  try {
    for (const line of await jsonLines(python, [program, name, directory])) {
      const detail = String(line['detail'])
      if (typeof line['skipped'] === 'string') say('skipped', line['skipped'], detail)
      else if (typeof line['check'] === 'string')
        say(line['ok'] === true ? 'passed' : 'failed', line['check'], detail)
    }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    const last = text.trim().split('\n').at(-1) ?? text
    const missing = /^(?:ModuleNotFoundError|ImportError|importlib\.metadata\.PackageNotFoundError)/.test(
      last,
    )
    say(missing ? 'skipped' : 'failed', `the loader of ${name}`, last)
  }
}
