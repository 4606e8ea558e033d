// A rollout that was really collected, replayed and forked from the page.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Jobs } from '../../api/http/jobs.ts'
import type { Store } from '../../src/store/index.ts'
import { check, expectEqual, expectText, type Watched } from './harness.ts'

/** The id of a trajectory of the scripted model, which has several turns. */
export async function collectOne(store: Store, jobs: Jobs, directory: string): Promise<string> {
  const task = { id: 'lookup', prompt: 'What is the code?', context: 'the code is 7', answer: '7' }
  await writeFile(join(directory, 'lookup.jsonl'), JSON.stringify(task))
  const run = await jobs.start({
    name: 'lookup',
    tasks: 'lookup.jsonl',
    model: { provider: 'scripted', name: 'careful' },
    subModel: { provider: 'scripted', name: 'reader' },
  })
  while (jobs.running(run)) await new Promise((resolve) => setTimeout(resolve, 50))
  const { items } = await store.listTrajectories(run, { limit: 1, cursor: null })
  return items[0]?.id ?? ''
}

export async function checkRerun({ page, incidents }: Watched, trajectory: string): Promise<void> {
  incidents.length = 0

  await check('a trajectory is replayed in the sandbox, and did the same', async () => {
    await page.goto(`/trajectories/${trajectory}`)
    await page.getByText('no model is asked, nothing is paid or stored').waitFor()
    await page.getByRole('button', { name: 'Replay' }).click()
    await page.getByText('all did the same again').waitFor({ timeout: 60_000 })
  })

  await check('it is forked after its first turn, once it is said what that costs', async () => {
    await page.keyboard.press('j')
    await page.locator('summary', { hasText: 'Fork' }).click()
    const section = page.locator('details.section', { hasText: 'This asks the models of the run' })
    expectText(await section.innerText(), 'The first turn stays as it is', 'what is kept')
    await section.getByLabel('Rollouts').fill('2')
    await section.getByRole('button', { name: 'Ask the models' }).click()
    await page.waitForURL('**/runs/*')
    await page.locator('h1', { hasText: 'fork of lookup' }).waitFor()
    // Seen without a reload, though it had not begun when the page opened.
    await page.locator('table.trajectories .stop').nth(1).waitFor()
    await page.locator('table.trajectories .row-link').first().click()
    await page.getByText('Fork of').waitFor()
    expectEqual(incidents, [], 'incidents')
  })
}
