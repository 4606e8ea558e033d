// What every part of the suite uses: counted checks, a page that is watched, and what is expected of texts.
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'

export interface Watched {
  page: Page
  /** What must not happen: dialogs, console errors, requests to other hosts. */
  incidents: string[]
}

/** How many checks went how. */
export const counts = { passed: 0, failed: 0 }

export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

export async function check(name: string, test: () => Promise<void>): Promise<void> {
  try {
    await test()
    counts.passed++
    say(`ok   ${name}`)
  } catch (error) {
    counts.failed++
    say(`FAIL ${name}\n     ${error instanceof Error ? error.message : String(error)}`)
  }
}

export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  const [got, wanted] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (got !== wanted) throw new Error(`${what}: expected ${wanted}, got ${got}`)
}

export function expectText(actual: string, part: string, what: string): void {
  if (!actual.includes(part)) throw new Error(`${what}: ${JSON.stringify(part)} is not in it`)
}

/** A page of its own, and what happens on it. */
export async function watch(browser: Browser, url: string, options: BrowserContextOptions): Promise<Watched> {
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

/** Of the node that is selected in a trace. */
export function selectedTitle(page: Page): Promise<string> {
  return page.locator('[role=treeitem][aria-selected=true] .node-title').innerText()
}
