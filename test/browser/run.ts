// Drives the built trace browser in Chromium, over a trajectory full of hostile text.
// node test/browser/run.ts [DIRECTORY FOR SCREENSHOTS]; needs `vite build` first.
// Prints `N passed, N failed`; exits 1 when one failed, 0 when all passed or there is no Chromium.
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { defaultWebDirectory } from '../../api/http/pages.ts'
import { serve } from '../../api/http/serve.ts'
import { exportDataset } from '../../src/datasets/index.ts'
import { openStore } from '../../src/store/index.ts'
import { removeDirectory, temporaryDirectory } from '../support/directory.ts'
import { makeSample } from '../http/sample.ts'
import type { Sample } from '../http/sample.ts'

const executablePath = '/usr/bin/chromium'
const flags = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

interface Watched {
  page: Page
  /** What must not happen: dialogs, console errors, requests to other hosts. */
  incidents: string[]
}

let passed = 0
let failed = 0

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function check(name: string, test: () => Promise<void>): Promise<void> {
  try {
    await test()
    passed++
    say(`ok   ${name}`)
  } catch (error) {
    failed++
    say(`FAIL ${name}\n     ${error instanceof Error ? error.message : String(error)}`)
  }
}

function expectEqual(actual: unknown, expected: unknown, what: string): void {
  const [got, wanted] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (got !== wanted) throw new Error(`${what}: expected ${wanted}, got ${got}`)
}

function expectText(actual: string, part: string, what: string): void {
  if (!actual.includes(part)) throw new Error(`${what}: ${JSON.stringify(part)} is not in it`)
}

async function watch(browser: Browser, url: string, options: BrowserContextOptions): Promise<Watched> {
  const context = await browser.newContext({ baseURL: url, ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const incidents: string[] = []
  page.on('dialog', (dialog) => {
    incidents.push(`dialog ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      incidents.push(`console ${message.text()}`)
  })
  page.on('pageerror', (error) => incidents.push(`page error ${error.message}`))
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== url) incidents.push(`request to ${request.url()}`)
  })
  return { page, incidents }
}

function selectedTitle(page: Page): Promise<string> {
  return page.locator('[role=treeitem][aria-selected=true] .node-title').innerText()
}

async function checkViews({ page, incidents }: Watched, sample: Sample): Promise<void> {
  const { trajectory, ids } = sample.made
  const address = `/trajectories/${trajectory.id}`

  await check('the list of runs links to a run', async () => {
    await page.goto('/')
    await page.locator('tbody tr').first().waitFor()
    expectEqual(await page.locator('tbody tr').count(), 5, 'runs')
    expectText(await page.locator('tbody').innerText(), 'SCRIPTED', 'list')
    expectText(await page.locator('tbody').innerText(), '<script>window.pwned=1</script>', 'name as text')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/runs/${sample.runId}`)
  })

  await check('a run shows its numbers and trajectories', async () => {
    await page.locator('table.trajectories tbody tr').first().waitFor()
    expectEqual(await page.locator('table.trajectories tbody tr').count(), 2, 'trajectories')
    expectText(await page.locator('.headline').innerText(), '2/2', 'headline')
    await page.locator('table.trajectories .row-link').first().click()
    await page.waitForURL(`**${address}`)
  })

  await check('j, k, l and h walk the tree and the address follows', async () => {
    await page.locator('[role=treeitem]').first().waitFor()
    expectEqual(await selectedTitle(page), 'Overview', 'at first')
    await page.keyboard.press('j')
    expectEqual(await selectedTitle(page), 'Turn 1', 'after j')
    await page.keyboard.press('l')
    expectEqual(await selectedTitle(page), 'Cell', 'after l')
    expectEqual(new URL(page.url()).hash, `#${trajectory.invocations[0]?.turns[0]?.cells[0]?.id}`, 'hash')
    await page.keyboard.press('k')
    const rows = await page.locator('[role=treeitem]').count()
    await page.keyboard.press('h')
    expectEqual(await page.locator('[role=treeitem]').count(), rows - 1, 'rows after closing')
    await page.keyboard.press('h')
    expectEqual(await selectedTitle(page), 'Overview', 'after h on a closed node')
    await page.keyboard.press('k')
    expectEqual(await selectedTitle(page), 'Overview', 'k at the top')
  })

  await check('every node opens, and no text of a model runs', async () => {
    await page.goto(address)
    await page.locator('[role=treeitem]').first().waitFor()
    await page.locator('.node-batch').click()
    await page.keyboard.press('l')
    const count = await page.locator('[role=treeitem]').count()
    expectEqual(count, 31, 'nodes')
    await page.keyboard.press('a')
    for (let step = 1; step < count; step++) {
      await page.keyboard.press('j')
      await page.locator('.detail .section, .detail .table-frame').first().waitFor()
      const request = page.locator('.detail summary', { hasText: 'Request' })
      if ((await page.locator('.detail .facts.inline dt', { hasText: 'Model' }).count()) > 0)
        await request.waitFor()
    }
    expectEqual(await page.evaluate('window.pwned ?? null'), null, 'window.pwned')
    expectEqual(await page.locator('script').count(), 1, 'scripts in the page')
    expectEqual(await page.locator('#app img').count(), 0, 'images')
    expectEqual(await page.locator('a[href^="javascript"]').count(), 0, 'script links')
  })

  await check('e goes to the next error', async () => {
    await page.keyboard.press('a')
    await page.keyboard.press('e')
    expectEqual(new URL(page.url()).hash, `#${ids.failedCall}`, 'hash')
    expectText(await page.locator('.detail').innerText(), 'rate_limit', 'detail')
    await page.keyboard.press('e')
    await page.keyboard.press('e')
    expectEqual(new URL(page.url()).hash, `#${ids.killedCell}`, 'hash')
  })

  await check('a deep link opens its node, also inside a closed one', async () => {
    await page.goto('/')
    await page.goto(`${address}#${ids.childTurn}`)
    await page.locator('.detail .depth-tag').waitFor()
    expectEqual(await selectedTitle(page), 'Turn 1', 'selected')
    await page.goto('/')
    await page.goto(`${address}#${ids.failedCall}`)
    expectEqual(await selectedTitle(page), 'llm 8', 'selected')
  })

  await check('hidden characters are named', async () => {
    await page.goto('/')
    await page.goto(`${address}#${ids.hostileCall}`)
    await page.locator('.messages').waitFor()
    const text = await page.locator('.detail').innerText()
    for (const name of ['NUL:NUL', 'ESC:ESC', 'U+202E', 'U+200B', 'U+E0041']) expectText(text, name, 'detail')
    expectText(text, '\u{1F469}\u200d\u{1F52C}', 'emoji')
  })

  await check('a long output is cut, and whole on demand', async () => {
    const cell = trajectory.invocations[0]?.turns[2]?.cells[0]
    await page.goto('/')
    await page.goto(`${address}#${cell?.id}`)
    const output = page.getByLabel('stdout', { exact: true })
    await output.waitFor()
    const length = () => output.evaluate((element) => element.textContent.length)
    // The tree has less of it; the first characters of the cell follow.
    await page
      .getByText(/the first (3,999|4,000) of/)
      .last()
      .waitFor()
    const before = await length()
    if (before < 4000 || before > 5000) throw new Error(`${before} characters at first`)
    await page.getByRole('button', { name: 'Show whole texts' }).click()
    await page.getByText('Reading…').waitFor({ state: 'detached' })
    const after = await length()
    if (after < 300_000) throw new Error(`${after} characters in the end`)
  })

  await check('? shows the keys, Escape leaves, g r goes to the runs', async () => {
    await page.keyboard.press('?')
    expectText(await page.locator('dialog[open]').innerText(), 'next error', 'help')
    await page.keyboard.press('Escape')
    await page.locator('dialog[open]').waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
    await page.waitForURL(`**/runs/${sample.runId}`)
    await page.keyboard.press('g')
    await page.keyboard.press('r')
    await page.waitForURL('**/')
    await page.goBack()
    await page.waitForURL(`**/runs/${sample.runId}`)
    await page.locator('table.trajectories').waitFor()
  })

  await check('what is not there is said', async () => {
    await page.goto('/nowhere')
    await page.getByText('There is no view at this address.').waitFor()
  })

  await check('no dialog, no console error, no request elsewhere', async () => {
    expectEqual(incidents, [], 'incidents')
  })
}

async function checkJourneys({ page, incidents }: Watched, sample: Sample): Promise<void> {
  const rows = page.locator('table.trajectories tbody tr')
  const run = `/runs/${sample.filledRunId}`

  await check('a filter completes, narrows the whole run, and stands in the address', async () => {
    await page.goto(run)
    await rows.first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('stop_r')
    await page.getByRole('option').first().waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.type('= max_turns and reward < 0.5')
    await page.keyboard.press('Enter')
    await page.waitForURL('**where=*')
    await page
      .locator('table.trajectories .stop', { hasText: 'answered' })
      .first()
      .waitFor({ state: 'detached' })
    await rows.first().waitFor()
    const endings = await page.locator('table.trajectories tbody .stop').allInnerTexts()
    expectEqual([...new Set(endings)], ['max_turns'], 'endings')
    await page.reload()
    await rows.first().waitFor()
    expectEqual(
      await page.getByRole('combobox').inputValue(),
      'stop_reason = max_turns and reward < 0.5',
      'after a reload',
    )
  })

  await check('a mistake in the filter is told, and back undoes it', async () => {
    await page.getByRole('combobox').fill('rewrd > 1')
    await page.keyboard.press('Enter')
    await page.getByText('"rewrd" is not a field').first().waitFor()
    await page.goBack()
    await rows.first().waitFor()
  })

  await check('the failing trajectory is opened, its cell read and labelled in two keystrokes', async () => {
    await page.locator('h1').click()
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.locator('[role=treeitem]').first().waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('l')
    await page.locator('.labels').waitFor()
    await page.keyboard.press('m')
    await page.keyboard.press('b')
    await page.locator('.labels .label-bad').waitFor()
    await page.keyboard.press('m')
    await page.keyboard.press('n')
    await page.keyboard.type('guessed <script>window.pwned=1</script>')
    await page.keyboard.press('Enter')
    await page.getByText('guessed').waitFor()
    expectEqual(await page.evaluate('window.pwned ?? null'), null, 'window.pwned')
  })

  await check('the rollouts of a task stand side by side with their advantages', async () => {
    await page.keyboard.press('g')
    await page.keyboard.press('g')
    await page.locator('.rollout').nth(3).waitFor()
    await page.getByText('Where they part').waitFor()
    await page.getByLabel('Advantage').selectOption('rloo')
    await page.waitForURL('**method=rloo')
  })

  await check('search leads to the cell with the words marked', async () => {
    await page.goto('/')
    await page.locator('tbody tr').first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('most_common')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/search?text=most_common')
    await page.locator('.hits mark').first().waitFor()
    await page.locator('.hits .hit-head', { hasText: 'cell' }).first().click()
    await page.locator('[role=treeitem][aria-selected=true]').waitFor()
    expectText(await selectedTitle(page), 'Cell', 'selected')
  })

  await check('two runs are marked and compared', async () => {
    await page.goto('/')
    await page.locator('tbody tr').nth(3).waitFor()
    await page.getByRole('checkbox').nth(3).check()
    await page.getByRole('checkbox').nth(4).check()
    await page.getByRole('link', { name: 'Compare 2' }).click()
    await page.locator('.side-by-side .panel').nth(1).waitFor()
  })

  await check('a dataset shows its funnel, and its file downloads', async () => {
    await page.goto('/datasets')
    await page.locator('tbody .row-link').first().click()
    const download = page.waitForEvent('download')
    await page.locator('a[download]').first().click()
    const path = await (await download).path()
    expectEqual((await readFile(path)).subarray(0, 4).toString(), 'PAR1', 'the first bytes')
  })

  await check('light and dark are turned and kept', async () => {
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
    const before = await ground()
    await page.getByRole('button', { name: 'Light or dark' }).click()
    const after = await ground()
    if (before === after) throw new Error(`the ground stays ${after}`)
    await page.reload()
    expectEqual(await ground(), after, 'after a reload')
    await page.evaluate(() => localStorage.clear())
  })

  await check('the API page lists the routes', async () => {
    await page.goto('/docs')
    await page.getByText('/v1/search').waitFor()
  })

  await check('no dialog, no console error in the journeys', async () => {
    const unexpected = incidents.filter((one) => !one.includes('status of 400'))
    expectEqual(unexpected, [], 'incidents')
  })
}

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  id: string
  impact: string
  nodes: { target: string[] }[]
}

/** Axe finds nothing serious on any page, in either colours. */
async function checkAccess(browser: Browser, url: string, sample: Sample): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page } = await watch(browser, url, { viewport: { width: 1280, height: 800 }, colorScheme })
    for (const [view, address] of Object.entries(viewsOf(sample))) {
      await check(`axe finds nothing serious on ${view}, ${colorScheme}`, async () => {
        await page.goto('/nowhere')
        await page.goto(address, { waitUntil: 'networkidle' })
        await page.evaluate(axeSource)
        const found = await page.evaluate<{ violations: Violation[] }>(
          'axe.run(document, { resultTypes: ["violations"] })',
        )
        const serious = found.violations
          .filter(({ impact }) => impact === 'serious' || impact === 'critical')
          .map(
            ({ id, nodes }) =>
              `${id}: ${nodes
                .slice(0, 3)
                .map(({ target }) => target.join(' '))
                .join(' | ')}`,
          )
        expectEqual(serious, [], 'violations')
      })
    }
    await page.context().close()
  }
}

const looks: { name: string; options: BrowserContextOptions }[] = [
  { name: 'light', options: { viewport: { width: 1280, height: 800 }, colorScheme: 'light' } },
  { name: 'dark', options: { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' } },
  { name: 'narrow', options: { viewport: { width: 390, height: 800 }, colorScheme: 'light' } },
]

function viewsOf(sample: Sample): Record<string, string> {
  const { trajectory, ids } = sample.made
  const root = trajectory.invocations[0]
  return {
    runs: '/',
    run: `/runs/${sample.filledRunId}`,
    filtered: `/runs/${sample.filledRunId}?where=${encodeURIComponent('reward < 0.5 and turns > 3')}&sort=reward&order=down`,
    groups: `/runs/${sample.filledRunId}/groups`,
    group: `/runs/${sample.runId}/groups/${encodeURIComponent(trajectory.taskId)}`,
    compare: `/compare?runs=${sample.filledRunId},latest`,
    search: '/search?text=customer',
    datasets: '/datasets',
    dataset: '/datasets/latest',
    docs: '/docs',
    overview: `/trajectories/${trajectory.id}`,
    turn: `/trajectories/${trajectory.id}#${root?.turns[1]?.id}`,
    cell: `/trajectories/${trajectory.id}#${ids.batchCell}`,
    hostile: `/trajectories/${trajectory.id}#${root?.turns[2]?.cells[0]?.id}`,
    killed: `/trajectories/${trajectory.id}#${ids.killedCell}`,
    child: `/trajectories/${trajectory.id}#${ids.childTurn}`,
  }
}

async function photograph(browser: Browser, url: string, sample: Sample, directory: string): Promise<void> {
  const views = viewsOf(sample)
  for (const { name, options } of looks) {
    const { page } = await watch(browser, url, options)
    for (const [view, address] of Object.entries(views)) {
      await page.goto('/nowhere')
      await page.goto(address, { waitUntil: 'networkidle' })
      await check(`${view} fits ${name}`, async () => {
        const { wide, room } = await page.evaluate(() => ({
          wide: document.documentElement.scrollWidth,
          room: document.documentElement.clientWidth,
        }))
        if (wide > room) throw new Error(`${wide} pixels wide in a window of ${room}`)
      })
      await page.screenshot({ path: join(directory, `${view}-${name}.png`) })
    }
    await page.context().close()
  }
}

async function main(): Promise<void> {
  if (!existsSync(executablePath)) return say(`skipped: there is no Chromium at ${executablePath}`)
  if (!existsSync(join(defaultWebDirectory(), 'index.html'))) {
    failed++
    return say('the trace browser is not built: run `npm run build:web` first')
  }
  const place = await temporaryDirectory('browser')
  const directory = process.argv[2] ?? join(place, 'screenshots')
  await mkdir(directory, { recursive: true })
  const store = await openStore(join(place, 'store'))
  const sample = await makeSample(store, join(place, 'texts'))
  const made = join(place, 'train-set')
  await exportDataset({ store, runIds: [sample.filledRunId], recipe: 'sft-turns', directory: made })
  const rate = { burst: 100_000, perSecond: 100_000 }
  const server = await serve({ store, host: '127.0.0.1', port: 0, rate })
  const args = process.getuid?.() === 0 ? ['--no-sandbox', ...flags] : flags
  const browser = await chromium.launch({ executablePath, args })
  try {
    const watched = await watch(browser, server.url, { viewport: { width: 1280, height: 800 } })
    await checkViews(watched, sample)
    await checkJourneys(watched, sample)
    await checkAccess(browser, server.url, sample)
    await watched.page.context().close()
    await photograph(browser, server.url, sample, directory)
    say(`screenshots: ${directory}`)
  } finally {
    await browser.close()
    await server.close()
    await store.close()
    if (process.argv[2] !== undefined || failed === 0) await removeDirectory(place)
  }
}

await main()
say(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
