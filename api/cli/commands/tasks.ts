// `descent tasks list|show|check`: what tasks there are, how they look, and the proof that they are sound.
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { styleText } from 'node:util'
import { parse } from 'yaml'
import { z } from 'zod'
import { UsageError } from '../../../src/errors.ts'
import type { RewardEntry } from '../../../src/reward.ts'
import type { TasksConfig } from '../../../src/run-file.ts'
import { findTaskset, openTaskset, skippingBadRows, taskRegistry } from '../../../src/tasks/index.ts'
import type { Taskset } from '../../../src/tasks/task.ts'
import { checkTaskset, type TaskCheck, type TaskExample } from '../../check-tasks.ts'
import { readRunFile } from '../../compose.ts'
import { formatCount, formatTable } from '../format.ts'
import { wholeNumber } from '../numbers.ts'
import { printJson, say } from '../store-option.ts'

export function listTasks(options: { json?: boolean }): void {
  if (options.json) {
    for (const { name, kind, description, needs } of taskRegistry) {
      printJson({ name, kind, description, needs: needs ?? null })
    }
    return
  }
  const rows = taskRegistry.map(({ name, kind, description, needs }) => [
    name,
    kind,
    needs ? `${description} Needs ${needs}.` : description,
  ])
  process.stdout.write(`${formatTable(['taskset', 'kind', 'what it is'], rows)}\n`)
}

export interface TasksOptions {
  options?: string
  limit?: string
  examples?: string
  skipBadRows?: boolean
  json?: boolean
}

/** The options of a taskset, and some of its tasks where they can be had. */
export async function showTasks(what: string, given: TasksOptions): Promise<void> {
  const isName = taskRegistry.some(({ name }) => name === what)
  const entry = isName ? findTaskset(what) : null
  const needsData = entry?.needs !== undefined && given.options === undefined
  const check = needsData ? null : await checkOne(what, { limit: '3', examples: '3', ...given })
  if (given.json) {
    printJson({ name: what, options: entry && optionsSchema(entry), examples: check?.examples ?? [] })
    return
  }
  if (entry) process.stdout.write(`${describeOptions(entry)}\n`)
  if (check) process.stdout.write(`${check.examples.map(exampleText).join('\n')}\n`)
  else say(`(give --options to see tasks: it needs ${entry?.needs})`)
}

/** Exit code 1 when a task is not sound. */
export async function checkTasks(what: string[], given: TasksOptions): Promise<void> {
  const names =
    what.length > 0 ? what : taskRegistry.filter(({ needs }) => needs === undefined).map(({ name }) => name)
  for (const name of names) {
    const check = await checkOne(name, given)
    if (given.json) printJson(check)
    else process.stdout.write(`${reportText(check)}\n`)
    if (!check.ok) process.exitCode = 1
  }
}

async function checkOne(what: string, given: TasksOptions): Promise<TaskCheck> {
  const { taskset, otherwise } = await openNamed(what, given)
  return await checkTaskset(taskset, {
    limit: given.limit === undefined ? undefined : wholeNumber(given.limit, '--limit', 1),
    examples: given.examples === undefined ? 2 : wholeNumber(given.examples, '--examples'),
    otherwise,
  })
}

/** A name of the registry, a run file, or a task file. */
async function openNamed(
  what: string,
  { options, skipBadRows }: TasksOptions,
): Promise<{ taskset: Taskset; otherwise: RewardEntry }> {
  const otherwise = { name: 'auto' }
  const open = (config: TasksConfig, directory: string): Taskset =>
    openTaskset(skipBadRows ? skippingBadRows(config) : config, directory)
  if (taskRegistry.some(({ name }) => name === what)) {
    const config = { taskset: what, options: parseOptions(options) }
    return { taskset: open(config, process.cwd()), otherwise }
  }
  const found = await stat(what).catch(() => null)
  if (!found) {
    const names = taskRegistry.map(({ name }) => name).join(', ')
    throw new UsageError(`tasks: ${JSON.stringify(what)} is neither a file nor a taskset; there are ${names}`)
  }
  const directory = path.dirname(path.resolve(what))
  if (!found.isDirectory() && /\.ya?ml$/i.test(what)) {
    const config = await asRunFile(what)
    if (config) {
      const { tasks, rewards } = config
      const own = rewards.find(({ name }) => name !== 'by_task' && !/[./\\]/.test(name))
      return {
        taskset: open(withOptions(tasks, options), directory),
        otherwise: own ? { name: own.name, options: own.options } : otherwise,
      }
    }
  }
  const config = found.isDirectory() || options !== undefined ? fileConfig(what, options) : path.resolve(what)
  return { taskset: open(config, directory), otherwise }
}

/** Null for YAML that is a list of tasks. */
async function asRunFile(file: string) {
  try {
    return await readRunFile(file)
  } catch (error) {
    if (error instanceof UsageError && /expected object, received array/.test(error.message)) return null
    throw error
  }
}

function fileConfig(file: string, options: string | undefined): TasksConfig {
  return { taskset: 'file', options: { path: path.resolve(file), ...parseOptions(options) } }
}

function withOptions(tasks: TasksConfig, options: string | undefined): TasksConfig {
  if (options === undefined) return tasks
  if (typeof tasks === 'string')
    throw new UsageError('--options: the run file names a task file, which has no options')
  return { ...tasks, options: { ...tasks.options, ...parseOptions(options) } }
}

function parseOptions(text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {}
  let value: unknown
  try {
    value = parse(text)
  } catch {
    value = null
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(
      `--options: expected a YAML or JSON object such as '{characters: 20000}', got ${text}`,
    )
  }
  return value as Record<string, unknown>
}

/** The JSON Schema of the options, without the indirection of a named schema. */
function optionsSchema(entry: ReturnType<typeof findTaskset>): z.core.JSONSchema.JSONSchema {
  const schema = z.toJSONSchema(entry.options, { io: 'input', unrepresentable: 'any' })
  const name = schema.$ref?.replace('#/$defs/', '')
  return (name && schema.$defs?.[name]) || schema
}

function describeOptions(entry: ReturnType<typeof findTaskset>): string {
  const rows = Object.entries(optionsSchema(entry).properties ?? {}).map(([name, value]) => {
    const { default: standard, description, type, enum: allowed } = value as z.core.JSONSchema.JSONSchema
    const kind = allowed ? allowed.map(String).join(' | ') : typeof type === 'string' ? type : ''
    return [name, kind, standard === undefined ? '' : JSON.stringify(standard), description ?? '']
  })
  const head = `${styleText('bold', entry.name)} (${entry.kind})  ${entry.description}`
  return `${head}\n\n${formatTable(['option', 'type', 'default', 'meaning'], rows)}\n`
}

function reportText(check: TaskCheck): string {
  const mark = check.ok ? styleText('green', 'ok  ') : styleText('red', 'FAIL')
  const { least, median, most } = check.characters
  const shares = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([name, number]) => `${name} ${number}`)
      .join(', ')
  const lines = [
    `${mark}  ${check.taskset}: ${check.tasks} tasks, contexts of ${formatCount(least)} to ${formatCount(most)} characters (median ${formatCount(median)}; ${shares(check.contextTypes)})`,
    `      rewards: ${shares(check.rewards)}${Object.keys(check.difficulties).length > 0 ? `; difficulty: ${shares(check.difficulties)}` : ''}`,
  ]
  if (check.emptyGolds > 0) {
    lines.push(`      ${check.emptyGolds} tasks have an empty set as their answer`)
  }
  if (check.skipped.count > 0) {
    lines.push(`      ${check.skipped.count} bad rows left out, such as ${check.skipped.examples[0]}`)
  }
  lines.push(...check.problems.examples.map((problem) => `      ${problem}`))
  const more = check.problems.count - check.problems.examples.length
  if (more > 0) lines.push(`      and ${more} more`)
  return [...lines, ...check.examples.map(exampleText)].join('\n')
}

function exampleText(example: TaskExample): string {
  const context = `${example.contextType} of ${formatCount(example.characters)} characters`
  const answer = JSON.stringify(example.answer)
  return [
    '',
    `  ${styleText('bold', example.id)}`,
    `  prompt   ${indent(example.prompt)}`,
    `  context  ${context}: ${indent(example.context.slice(0, 300))}…`,
    `  answer   ${answer.length > 300 ? `${answer.slice(0, 300)}…` : answer}  (${example.reward})`,
  ].join('\n')
}

function indent(text: string): string {
  return text.replaceAll('\n', '\n           ')
}
