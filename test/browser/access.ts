// Every view is usable by all: axe finds nothing serious, in either colours.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Browser } from 'playwright-core'
import type { Sample } from '../http/sample.ts'
import { check, expectEqual, watch } from './harness.ts'
import { viewsOf } from './places.ts'

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  id: string
  impact: string
  nodes: { target: string[] }[]
}

/** Axe finds nothing serious on any page, in either colours. */
export async function checkAccess(browser: Browser, url: string, sample: Sample): Promise<void> {
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
