// Rewards as the doors open them: built-in ones by name, a person's own by the path of a module, a checker's
// Python from its file; and what rewards may use: judge models and a sandbox.
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { bindRewards, type WeightedReward } from '../rewards/index.ts'
import { UsageError } from '../src/errors.ts'
import type { BoundReward, Reward } from '../src/reward.ts'
import { placeIn, placeText } from '../src/reward-definition.ts'
import type { RewardConfig } from '../src/run-file.ts'

const isModule = (name: string): boolean => /[./\\].*\.[cm]?[jt]s$/.test(name)

/**
 * A name that is a path is a module whose default export is a reward; `directory` is what paths are relative
 * to. Errors raised: UsageError that names file, line and what was expected.
 */
export async function openRewards(configs: RewardConfig[], directory: string): Promise<WeightedReward[]> {
  const modules = new Map<string, Reward>()
  for (const name of new Set(namesIn(configs))) {
    if (isModule(name)) modules.set(name, await importReward(path.resolve(directory, name)))
  }
  const loaded = await Promise.all(configs.map(async (config) => await withChecker(config, directory)))
  return bindRewards(loaded, modules)
}

/** The names of rewards at every depth: those inside composed ones, too. */
function* namesIn(value: unknown): Generator<string> {
  if (typeof value === 'string' && isModule(value)) yield value
  if (value === null || typeof value !== 'object') return
  for (const inner of Object.values(value)) yield* namesIn(inner)
}

/** `file` of a python_check becomes its text, so that the score's identity follows the code. */
async function withChecker<T extends { name: string; options: Record<string, unknown> }>(
  config: T,
  directory: string,
): Promise<T> {
  const { file, ...options } = config.options
  if (config.name !== 'python_check' || typeof file !== 'string') return config
  const place = path.resolve(directory, file)
  const code = await readFile(place, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      `rewards: python_check: options.file: ${place} cannot be read (${error.code ?? error.message})`,
    )
  })
  return { ...config, options: { ...options, code } }
}

const modular = new Set<string>()

/**
 * Modules are taken as such also where the package.json above them says "type": "commonjs", as that of
 * `npm init` does.
 */
function takeModules(directory: string): void {
  if (modular.has(directory)) return
  modular.add(directory)
  registerHooks({
    load(url, context, next) {
      const isTheirs = url.startsWith(pathToFileURL(directory + path.sep).href) && /\.[jt]s$/.test(url)
      const isCommon = context.format?.startsWith('commonjs') === true
      if (!isTheirs || !isCommon || url.includes('/node_modules/')) return next(url, context)
      if (!/^\s*(?:import|export)\b/m.test(readFileSync(fileURLToPath(url), 'utf8')))
        return next(url, context)
      return next(url, { ...context, format: url.endsWith('.ts') ? 'module-typescript' : 'module' })
    },
  })
}

async function importReward(file: string): Promise<Reward> {
  takeModules(path.dirname(file))
  const module = (await import(pathToFileURL(file).href).catch((error: unknown) => {
    // By name: a reward that imports `descent` brings the published copy of the class.
    if (error instanceof Error && error.name === 'UsageError') throw new UsageError(error.message)
    throw new UsageError(loadMessage(file, error), { cause: error })
  })) as Record<string, unknown>
  const reward = module['default'] as Partial<Reward> | undefined
  if (typeof reward?.bind === 'function' && typeof reward.name === 'string') return reward as Reward
  const others = Object.keys(module).filter((name) => name !== 'default')
  const found =
    reward === undefined
      ? others.length > 0
        ? `it exports ${others.join(', ')}`
        : 'it exports nothing'
      : `it is ${Array.isArray(reward) ? 'a list' : `a ${typeof reward}`}`
  const line = await lineOf(file, /export\s+(?:default|const|function)/)
  throw new UsageError(
    `${file}:${line}: the default export is not a reward (${found}); expected export default defineReward({…})`,
  )
}

function loadMessage(file: string, error: unknown): string {
  if (!(error instanceof Error)) return `${file}: cannot be loaded: ${String(error)}`
  const [first = ''] = error.message.trim().split('\n')
  const stack = error.stack ?? ''
  // Of a syntax error, the first line of the stack is its place.
  const place = placeIn(stack, file) ?? placeIn(stack.replace(/^(.*?:\d+)$/m, 'at $1'), file)
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ERR_MODULE_NOT_FOUND' && first.startsWith(`Cannot find module '${file}'`))
    return `${file}: there is no such file`
  const kind = /syntax/i.test(error.name + (code ?? '')) ? 'is not valid TypeScript' : 'cannot be loaded'
  return `${place ? placeText(place) : file}: ${kind}: ${first}`
}

async function lineOf(file: string, pattern: RegExp): Promise<number> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const at = text.search(pattern)
  return at < 0 ? 1 : text.slice(0, at).split('\n').length
}

/** Whether any of the rewards, or of those inside them, has this name. */
export function usesReward(rewards: readonly { bound: BoundReward }[], name: string): boolean {
  return rewards.some(
    ({ bound }) => bound.name === name || bound.name === 'by_task' || bound.version.includes(`${name}@`),
  )
}
