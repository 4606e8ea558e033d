// Looking closely and judging: two rollouts cell by cell, a score by hand, the tags of a run, limits of a cell.
import type { Sample } from '../http/sample.ts'
import { check, expectEqual, expectText, type Watched } from './harness.ts'

export async function checkJudging({ page, incidents }: Watched, sample: Sample): Promise<void> {
  incidents.length = 0
  const { trajectory } = sample.made

  await check('two rollouts of a task are compared cell by cell', async () => {
    await page.goto(`/runs/${sample.runId}/groups/${encodeURIComponent(trajectory.taskId)}`)
    await page.getByRole('checkbox').nth(0).check()
    await page.getByRole('checkbox').nth(1).check()
    await page.getByRole('link', { name: 'Compare cell by cell' }).click()
    await page.locator('.pair.parting').waitFor()
    expectText(await page.locator('.pair.parting summary').innerText(), 'Turn 2, cell 1', 'where they part')
    const added = page.locator('.pair.parting .diff-line.second .line-text')
    expectEqual(await added.allTextContents(), ['# another way\n'], 'what the second has')
    expectEqual(
      await page.locator('.pair').first().locator('details').getAttribute('open'),
      null,
      'equal ones',
    )
    expectEqual(await page.evaluate('window.pwned ?? null'), null, 'window.pwned')
    await page.getByRole('link', { name: 'open #1' }).first().click()
    await page.locator('[role=treeitem][aria-selected=true]').waitFor()
  })

  await check('a score is given by hand, and stands among the others with its reason', async () => {
    await page.goto(`/trajectories/${sample.siblingId}`)
    const form = page.getByRole('form', { name: 'Score by hand' })
    await form.getByLabel('Value').fill('half')
    await form.getByLabel('Why').fill('guessed')
    await form.getByRole('button', { name: 'Add' }).click()
    await page.getByText('Value and weight are numbers').waitFor()
    await form.getByLabel('Value').fill('0.25')
    await form.getByLabel('Name').fill('by-hand')
    await form.getByRole('button', { name: 'Add' }).click()
    await page.locator('.score-table td', { hasText: 'by-hand' }).first().waitFor()
    await page.locator('.trace-head .reward', { hasText: /by-hand\s*0\.25/ }).waitFor()
    await page.locator('summary', { hasText: 'Score history' }).click()
    await page.getByText('guessed').last().waitFor()
  })

  await check('a tag is added and taken away', async () => {
    await page.goto(`/runs/${sample.filledRunId}`)
    await page.getByRole('button', { name: '+ tag' }).click()
    await page.keyboard.type('keep <b>')
    await page.keyboard.press('Enter')
    await page.locator('.tag', { hasText: 'keep <b>' }).waitFor()
    await page.reload()
    await page.getByRole('button', { name: 'Take the tag keep <b> away' }).click()
    await page.locator('.tag', { hasText: 'keep <b>' }).waitFor({ state: 'detached' })
  })

  await check('a cell tells which limits it reached', async () => {
    await page.goto(`/trajectories/${trajectory.id}#${sample.made.ids.batchCell}`)
    await page.locator('.mark-limit', { hasText: 'calls open' }).waitFor()
  })

  await check('a call of an engine shows its tokens, how sure it was, and what is masked', async () => {
    await page.goto(`/trajectories/${sample.tokens.trajectoryId}#${sample.tokens.turnId}`)
    await page.locator('summary', { hasText: 'Tokens' }).click()
    await page.locator('.token-strip .token').first().waitFor()
    expectEqual(await page.locator('.token-strip .masked').count(), 200, 'read ids in sight')
    expectEqual(await page.locator('.token-strip [class*=heat]').count(), 60, 'sampled ids')
    expectText(await page.locator('.token-facts').innerText(), '300, mask 0', 'facts')
    expectEqual(await page.locator('.token-strip .heat-none').count(), 1, 'without a logprob')
    expectText(
      (await page.locator('.token-strip .heat-0').first().getAttribute('title')) ?? '',
      'p 1',
      'title',
    )
  })

  await check('no dialog, no console error in judging', async () => {
    expectEqual(incidents, [], 'incidents')
  })
}
