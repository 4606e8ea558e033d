// What a person comes for, from the filter to the label, from the search to the cell.
import type { Sample } from '../http/sample.ts'
import { check, expectEqual, expectText, selectedTitle, type Watched } from './harness.ts'

export async function checkJourneys({ page, incidents }: Watched, sample: Sample): Promise<void> {
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
