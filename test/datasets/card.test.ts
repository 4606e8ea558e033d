// The dataset card and the files beside it, as an export writes them: plots, an example, prompts, licences.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { expect, test } from 'vitest'
import { exportDataset, type ExportOptions, rebuildDataset } from '../../src/datasets/index.ts'
import { sha256Hex } from '../../src/hash.ts'
import { makeCall, makeCell, makeContent, makeRun, makeTrajectory, makeTurns } from './fixtures.ts'
import { createMemoryStore } from './memory-store.ts'
import { temporaryDirectory } from './reading.ts'

type Content = ReturnType<typeof makeContent>

async function write(content: Content, changes: Partial<ExportOptions> = {}) {
  const directory = join(await temporaryDirectory(), 'set')
  const store = createMemoryStore(content)
  const runIds = content.runs.map(({ id }) => id)
  await exportDataset({ store, runIds, recipe: 'sft-turns', evalFraction: 0, ...changes, directory })
  const read = async (path: string) => await readFile(join(directory, path), 'utf8')
  return { directory, read, card: await read('README.md') }
}

/** A Markdown block that begins with a fence, as CommonMark ends it: at a line of a fence that is as long. */
function fencedAfter(card: string, heading: string): string {
  const lines = card.slice(card.indexOf(heading)).split('\n')
  const start = lines.findIndex((line) => /^`{3,}/.test(line))
  const fence = /^`+/.exec(lines[start] ?? '')?.[0] ?? ''
  const end = lines.findIndex(
    (line, index) => index > start && new RegExp(`^\`{${fence.length},}$`).test(line),
  )
  return lines.slice(start + 1, end).join('\n')
}

/** What the bars of a plot say: their titles. */
function barsOf(svg: string): string[] {
  return Array.from(svg.matchAll(/<rect class="bar"[^>]*><title>([^<]*)<\/title>/g), ([, text = '']) => text)
}

function spread(): Content {
  const content = makeContent(10, 1)
  for (const [index, trajectory] of content.trajectories.entries()) {
    trajectory.reward = index < 3 ? null : index % 2
    trajectory.usage = { inputTokens: 100 * 4 ** index, outputTokens: 0, calls: 1, costUsd: index * 0.25 }
    const [root] = trajectory.invocations
    if (index === 9 && root) trajectory.invocations.push({ ...root, id: 'child', depth: 1 })
  }
  return content
}

test('plots count every trajectory that has a value, and say it in words too', async () => {
  const { read, card } = await write(spread())
  expect(barsOf(await read('card/reward.svg'))).toEqual(['0: 3', '1: 4'])
  expect(barsOf(await read('card/depth.svg'))).toEqual(['0: 9', '1: 1'])
  expect(barsOf(await read('card/turns.svg'))).toEqual(['2: 9', '3: 0', '4: 1'])
  // From 100 to 26 million: steps of 1, 2, 5, 10.
  const tokens = barsOf(await read('card/tokens.svg'))
  expect(tokens.slice(0, 3)).toEqual(['100 to 200: 1', '200 to 500: 1', '500 to 1k: 0'])
  const counted = tokens.reduce((sum, text) => sum + Number(text.split(': ')[1]), 0)
  expect(counted).toBe(10)
  expect(barsOf(await read('card/cost.svg'))[0]).toBe('$0 to $0.2: 1')
  expect(card).toContain('| reward | 7 | 3 | 0 | 0 | 1 | 1 | 1 | 0.5714 |  |')
  expect(card).toContain('| cost | 10 | 0 | $0 | $0 | $1 | $2 | $2.25 | $1.13 | $11.3 |')
  for (const name of ['reward', 'turns', 'tokens', 'depth', 'cost']) {
    expect(card).toContain(`](card/${name}.svg)`)
    const svg = await read(`card/${name}.svg`)
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="460" height="240"/)
    expect(svg).not.toMatch(/<script|href=|url\(/)
    expect(svg).toContain('prefers-color-scheme: dark')
  }
})

test('rewards stand on an even scale, however small the least of them', async () => {
  const content = makeContent(8, 1)
  const rewards = [0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 1.1]
  for (const [index, trajectory] of content.trajectories.entries()) trajectory.reward = rewards[index] ?? null
  const { read } = await write(content)
  const bars = barsOf(await read('card/reward.svg'))
  expect([bars[0], bars.at(-1)]).toEqual(['0 to 0.1: 2', '1 to 1.1: 1'])
  expect(bars).toHaveLength(11)
})

test('a measure that no trajectory has is said to be unknown and has no plot', async () => {
  const content = makeContent(2, 1)
  for (const trajectory of content.trajectories) trajectory.reward = null
  const { directory, card } = await write(content)
  expect(card).toContain('No trajectory here has a reward. No trajectory here has a known cost.')
  expect((await readdir(join(directory, 'card'))).toSorted()).toEqual([
    'depth.svg',
    'tokens.svg',
    'turns.svg',
  ])
})

test('shows a row, also one whose texts are full of Markdown, and cuts what is long', async () => {
  const content = makeContent(1, 1)
  const said = 'a\n```repl\nprint(1)\n```\n````\n</details>\n# no heading\u0000\u202e'
  const turns = makeTurns('Is it `so`?', [said, 'x'.repeat(5000)])
  content.trajectories = [makeTrajectory('run-1', 'task-0', 0, { turns })]
  const { card } = await write(content)
  const example = card.slice(card.indexOf('## Example'), card.indexOf('## Statistics'))
  expect(fencedAfter(example, '`completion`')).toBe(said.replace('\u0000', '␀').replace('\u202e', '\ufffd'))
  expect(example).toContain('`prompt`, 2 messages')
  expect(example).toContain('| `trajectory_id` | run-1/task-0/0 |')
  const long = await write(content, { recipe: 'sft-trajectories' })
  const cut = long.card.slice(long.card.indexOf('## Example'), long.card.indexOf('## Statistics'))
  expect(cut).toContain('assistant (trained):')
  expect(cut).toContain('[… 3500 more characters]')
  expect(cut.length).toBeLessThan(10_000)
})

test('gives the prompts byte for byte, without what the rows are without', async () => {
  const content = makeContent(1, 1)
  const system = `Use \`\`\`repl blocks.\n\nMail root@example.org 😀\n`
  const forced = 'x'.repeat(20_000)
  content.runs = [
    makeRun('run-1', { config: { protocolTexts: { system, forced, '../up': 'no' } } }),
    makeRun('run-2', { protocolHash: sha256Hex('other') }),
  ]
  const hash = sha256Hex('rlm').slice(0, 12)
  const { read, card, directory } = await write(content)
  expect(await read(`card/prompts/${hash}-system.txt`)).toBe(system)
  expect(await read(`card/prompts/${hash}-forced.txt`)).toBe(forced)
  expect(await readdir(join(directory, 'card/prompts'))).toHaveLength(2)
  expect(fencedAfter(card, '### Protocol rlm')).toBe(system)
  expect(card).toContain(`20000 characters: [\`card/prompts/${hash}-forced.txt\`]`)
  expect(card).toContain('No prompts were recorded with run run-2')
  const redacted = await write(content, { clean: ['emails'] })
  expect(await redacted.read(`card/prompts/${hash}-system.txt`)).toBe(
    system.replace('root@example.org', '[REDACTED:e-mail]'),
  )
  expect(redacted.card).not.toContain('root@example.org')
})

test('names the models with their part and the licences that were stated', async () => {
  const content = makeContent(1, 1)
  const sub = makeCall({ kind: 'llm', model: 'small | one', provider: 'huggingface', depth: 1 })
  const turns = makeTurns('?', ['a'], [makeCell({ calls: [sub] })])
  content.trajectories = [makeTrajectory('run-1', 'task-0', 0, { turns })]
  const modelLicenses = { 'policy-1': 'apache-2.0' }
  const { card } = await write(content, { license: 'cc-by-4.0', modelLicenses })
  expect(parse(card.split('---\n')[1] ?? '')).toMatchObject({ license: 'cc-by-4.0' })
  expect(card).toContain('| `policy-1` | openai | root | apache-2.0 |')
  expect(card).toContain("| `small ' one` | huggingface | sub-calls | not stated |")
  await expect(write(content, { license: 'My own!' })).rejects.toThrow(/license: a short name as on the Hub/)
})

test('says how each trainer takes the files that are there', async () => {
  const one = await write(makeContent(2, 1), { recipe: 'sft-trajectories' })
  expect(fencedAfter(one.card, 'Axolotl:')).toContain(
    '- path: DIRECTORY\n    split: train\n    type: chat_template',
  )
  expect(fencedAfter(one.card, 'verl sft:')).toContain('DIRECTORY/data/train-00000-of-00001.parquet')
  const two = await write(makeContent(2, 1), { recipe: ['sft-trajectories', 'kto'] })
  expect(fencedAfter(two.card, 'Axolotl:')).toContain('    name: sft-trajectories\n')
  expect(fencedAfter(two.card, 'prime-rl sft:')).toContain('subsets = ["sft-trajectories"]')
  expect(two.card).toContain('](card/kto-reward.svg)')
})

test('what the card is made of is in the manifest, and is made and compared again', async () => {
  const content = spread()
  content.runs = [makeRun('run-1', { config: { protocolTexts: { system: 'Be brief.' } } })]
  const { directory, read } = await write(content)
  const manifest = JSON.parse(await read('manifest.json')) as { card: { path: string; sha256: string }[] }
  expect(manifest.card.map(({ path }) => path)).toHaveLength(6)
  for (const { path, sha256 } of manifest.card) expect(sha256Hex(await read(path))).toBe(sha256)
  const store = createMemoryStore(content)
  const place = await temporaryDirectory()
  const common = { store, manifest: join(directory, 'manifest.json') }
  const again = await rebuildDataset({ ...common, directory: join(place, 'again') })
  expect(again).toMatchObject({ same: 7, different: [] })
  expect(await readFile(join(place, 'again/README.md'), 'utf8')).toBe(await read('README.md'))
  const changed = (await read('manifest.json')).replace(manifest.card[0]?.sha256 ?? '', '0'.repeat(64))
  await writeFile(join(directory, 'manifest.json'), changed)
  const other = await rebuildDataset({ ...common, directory: join(place, 'other') })
  expect(other.different).toEqual([manifest.card[0]?.path])
})
