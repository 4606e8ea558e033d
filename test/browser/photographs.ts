// A picture of every view, light, dark and on a telephone; none is wider than its window.
import { join } from 'node:path'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import type { Sample } from '../http/sample.ts'
import { check, watch } from './harness.ts'
import { viewsOf } from './places.ts'

const looks: { name: string; options: BrowserContextOptions }[] = [
  { name: 'light', options: { viewport: { width: 1280, height: 800 }, colorScheme: 'light' } },
  { name: 'dark', options: { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' } },
  { name: 'narrow', options: { viewport: { width: 390, height: 800 }, colorScheme: 'light' } },
]

export async function photograph(
  browser: Browser,
  url: string,
  sample: Sample,
  directory: string,
): Promise<void> {
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
      if (view === 'tokens') {
        await page.locator('summary', { hasText: 'Tokens' }).click()
        await page.locator('.token-strip').scrollIntoViewIfNeeded()
      }
      await page.screenshot({ path: join(directory, `${view}-${name}.png`) })
    }
    await page.context().close()
  }
}
