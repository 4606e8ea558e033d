// The lists and the trace, over a trajectory full of hostile text.
import type { Sample } from '../http/sample.ts'
import { formatCost, formatTokens } from '../../api/web/format.ts'
import { check, expectEqual, expectText, selectedTitle, type Watched } from './harness.ts'

type Turn = Sample['made']['trajectory']['invocations'][number]['turns'][number]

/** That of the turn, those of its cells, and those of agents that these started, in place of their calls. */
function callsBelow(trajectory: Sample['made']['trajectory'], turn: Turn | undefined): Turn['call'][] {
  if (!turn) return []
  const below = turn.cells.flatMap(({ calls }) =>
    calls.flatMap((call) => {
      const child = trajectory.invocations.find(({ id }) => id === call.invocationId)
      return child ? child.turns.flatMap((one) => callsBelow(trajectory, one)) : [call]
    }),
  )
  return [turn.call, ...below]
}

export async function checkViews({ page, incidents }: Watched, sample: Sample): Promise<void> {
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

  await check(
    'a row tells the tokens and the cost of all below it, and what a judge said of it',
    async () => {
      const row = (id: string | undefined) => page.locator(`[id="node-${id}"]`)
      const [, , third] = trajectory.invocations[0]?.turns ?? []
      const used = callsBelow(trajectory, third).map(({ usage }) => usage)
      const tokens = used.reduce((sum, one) => sum + (one?.inputTokens ?? 0) + (one?.outputTokens ?? 0), 0)
      const cost = used.reduce((sum, one) => sum + (one?.costUsd ?? 0), 0)
      expectEqual(await row(third?.id).locator('.node-tokens').innerText(), formatTokens(tokens), 'tokens')
      expectEqual(await row(third?.id).locator('.node-cost').innerText(), formatCost(cost), 'cost')
      const agent = page.locator('[role=treeitem]', { has: page.locator('.part-scores') })
      expectText(await agent.innerText(), '0.75', 'the score of the agent')
    },
  )

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
