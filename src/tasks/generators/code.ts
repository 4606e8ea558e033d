// Questions about the code of a directory, with gold from a parser: which files import a module, how
// many functions take a parameter of a name or so many parameters, where a function is declared.
import { createRequire } from 'node:module'
import { basename, dirname, resolve } from 'node:path'
import { z } from 'zod'
import { UsageError } from '../../errors.ts'
import { readDirectory } from '../context-directory.ts'
import { defineTaskset } from '../define-taskset.ts'
import { seededRandom } from '../random.ts'
import type { Random } from '../random.ts'
import { readCode } from './code-facts.ts'
import type { CodeFacts } from './code-facts.ts'
import { draftTask, generatorShape, isOfSplit } from './options.ts'
import type { Draft } from './options.ts'

const kinds = ['importers', 'parameter', 'arity', 'declares'] as const

const schema = z
  .strictObject({
    ...generatorShape,
    directory: z.string().optional().meta({
      description: 'JavaScript or TypeScript files; default: the package that `package` names.',
    }),
    package: z.string().default('hono').meta({ description: 'An installed npm package.' }),
    kinds: z
      .array(z.enum(kinds))
      .min(1)
      .default([...kinds]),
  })
  .meta({ id: 'CodeOptions' })
type Settings = z.output<typeof schema>

interface SourceFile {
  path: string
  text: string
  facts: CodeFacts
}

const extensions = ['.js', '.mjs', '.ts', '.mts']

export const code = defineTaskset({
  name: 'code',
  kind: 'generator',
  description: 'Which files import a module, how many functions take a parameter: over a directory of code.',
  options: schema,
  open: (settings, baseDirectory) => ({
    name: 'code',
    async *tasks() {
      const { files, source } = await loadCode(settings, baseDirectory)
      for (let index = 0; index < settings.count; index += 1) {
        yield draftTask('code', settings, source, index, draftOf(settings, files, source, index))
      }
    },
  }),
})

async function loadCode(
  settings: Settings,
  baseDirectory: string,
): Promise<{ files: SourceFile[]; source: string }> {
  const { directory } = settings
  const root =
    directory === undefined ? packageDirectory(settings.package) : resolve(baseDirectory, directory)
  const source = directory === undefined ? `npm package ${settings.package}` : `directory ${basename(root)}`
  const texts = await readDirectory(root, { extensions })
  const seen = new Set<string>()
  const files: SourceFile[] = []
  for (const [path, text] of Object.entries(texts)) {
    if (path.endsWith('.d.ts') || path.endsWith('.d.mts')) continue
    if (seen.has(text) || !isOfSplit(text, settings)) continue
    seen.add(text)
    const facts = readCode(path, text)
    if (facts && text.length > 100) files.push({ path, text, facts })
  }
  if (files.length < 3) {
    throw new UsageError(
      `code: ${root} has ${files.length} files of the split ${settings.split} that can be parsed (${extensions.join(', ')}); at least 3 are needed`,
    )
  }
  return { files, source }
}

function packageDirectory(name: string): string {
  const require = createRequire(import.meta.url)
  for (const request of [`${name}/package.json`, name]) {
    try {
      let directory = dirname(require.resolve(request))
      while (basename(dirname(directory)) !== 'node_modules' && dirname(directory) !== directory) {
        if (basename(dirname(dirname(directory))) === 'node_modules' && name.startsWith('@')) break
        directory = dirname(directory)
      }
      return directory
    } catch {
      // A package may hide its package.json; its main file is asked for next.
    }
  }
  throw new UsageError(`code: the package ${JSON.stringify(name)} is not installed; give a directory`)
}

function draftOf(settings: Settings, all: SourceFile[], source: string, index: number): Draft {
  const { seed, split, characters } = settings
  const kind = settings.kinds[index % settings.kinds.length] ?? 'importers'
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const random = seededRandom('code', seed, split, kind, index, attempt)
    const files = chooseFiles(all, characters, random)
    const question = files && askers[kind](files, random)
    if (!question) continue
    const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1))
    return {
      kind,
      ...question,
      context: Object.fromEntries(sorted.map(({ path, text }) => [path, text])),
      knobs: {},
      metadata: { files: files.length },
    }
  }
  const available = all.reduce((sum, { text }) => sum + text.length, 0)
  throw new UsageError(
    `code: no ${kind} question with a clear answer over ${characters} characters of the ${all.length} files of ${source} (${available} characters); give another length or directory`,
  )
}

/** Whole files, for cut code has no facts; null when those drawn do not fill the length. */
function chooseFiles(all: SourceFile[], characters: number, random: Random): SourceFile[] | null {
  const chosen: SourceFile[] = []
  let left = characters
  for (const file of random.shuffle(all)) {
    if (file.text.length > left) continue
    chosen.push(file)
    left -= file.text.length
    if (left < characters * 0.05) break
  }
  return chosen.length < 2 || left > characters * 0.1 ? null : chosen
}

type Question = Pick<Draft, 'prompt' | 'answer' | 'reward'>

const askers: Record<(typeof kinds)[number], (files: SourceFile[], random: Random) => Question | null> = {
  importers(files, random) {
    const users = groupFiles(files, ({ imports }) => imports)
    const few = [...users].filter(([, paths]) => paths.length <= 40)
    const several = few.filter(([, paths]) => paths.length >= 2)
    if (few.length === 0) return null
    const [module, paths] = random.pick(several.length > 0 ? several : few)
    return {
      prompt: `The context maps the paths of source files to their text. Which files import from the module "${module}" (written exactly so, in an import or an export … from)? Answer with their paths, separated by commas.`,
      answer: paths,
      reward: 'set_f1',
    }
  },
  parameter(files, random) {
    const names = files.flatMap(({ facts }) => facts.functions.flatMap(({ parameters }) => parameters))
    const clear = [...new Set(names)].filter((name) => name.length > 1)
    if (clear.length === 0) return null
    const name = random.pick(clear)
    const count = countFunctions(files, ({ parameters }) => parameters.includes(name))
    return {
      prompt: `The context maps the paths of source files to their text. How many functions in all files together take a parameter that is named exactly \`${name}\`? Count function declarations, function expressions, arrow functions and methods; a parameter with a default value or a rest parameter counts, one inside a destructuring pattern does not. Answer with the number alone.`,
      answer: count,
      reward: 'numeric',
    }
  },
  arity(files, random) {
    const wanted = random.integer(0, 5)
    const count = countFunctions(files, ({ declared, arity }) => declared !== null && arity === wanted)
    if (count === 0) return null
    return {
      prompt: `The context maps the paths of source files to their text. How many function declarations (\`function name(…)\`, async and generator ones included) in all files together take exactly ${wanted} ${wanted === 1 ? 'parameter' : 'parameters'}? Functions in variables, arrow functions and methods do not count. Answer with the number alone.`,
      answer: count,
      reward: 'numeric',
    }
  },
  declares(files, random) {
    const places = groupFiles(files, ({ functions }) => functions.flatMap(({ declared }) => declared ?? []))
    const clear = [...places].filter(([name, paths]) => paths.length === 1 && name.length > 3)
    if (clear.length === 0) return null
    const [name, paths] = random.pick(clear)
    return {
      prompt: `The context maps the paths of source files to their text. In which file is the function \`${name}\` declared with \`function ${name}\`? Answer with its path alone.`,
      answer: paths[0] ?? '',
      reward: 'exact',
    }
  },
}

function groupFiles(
  files: SourceFile[],
  select: (facts: CodeFacts) => readonly string[],
): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const { path, facts } of files) {
    for (const key of new Set(select(facts))) groups.set(key, [...(groups.get(key) ?? []), path])
  }
  return groups
}

function countFunctions(
  files: SourceFile[],
  test: (found: CodeFacts['functions'][number]) => boolean,
): number {
  return files.reduce((sum, { facts }) => sum + facts.functions.filter(test).length, 0)
}
