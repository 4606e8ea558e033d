// From the failing trajectories to a file for a trainer: filtered, labelled, planned, previewed, made,
// browsed and downloaded, all in the page.
import { readFile, writeFile } from 'node:fs/promises'
import { zstdDecompressSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import type { Sample } from '../http/sample.ts'
import { check, expectEqual, expectText, type Watched } from './harness.ts'

export async function checkDatasets({ page, incidents }: Watched, sample: Sample): Promise<void> {
  incidents.length = 0
  let made = ''

  await check('the failing trajectories are found, and one is labelled', async () => {
    await page.goto(`/runs/${sample.filledRunId}?where=${encodeURIComponent('reward < 0.5 and turns > 1')}`)
    await page.locator('table.trajectories .row-link').first().click()
    await page.locator('.labels').waitFor()
    await page.keyboard.press('m')
    await page.keyboard.press('g')
    await page.locator('.labels .label-good').waitFor()
    await page.goBack()
    await page.locator('table.trajectories tbody tr').first().waitFor()
  })

  await check(
    'the filter goes along to a new dataset, whose funnel and rows follow each change',
    async () => {
      await page.getByRole('link', { name: 'Make a dataset' }).click()
      await page.waitForURL('**/datasets/new?*')
      expectEqual(
        await page.getByRole('combobox').first().inputValue(),
        'reward < 0.5 and turns > 1',
        'filter',
      )
      const funnel = page.locator('.funnel')
      await funnel.getByText('turns > 1').waitFor()
      await page.getByLabel('Recipe').selectOption('preference')
      await page.getByText('of preference v').waitFor()
      await page.locator('.preview h3', { hasText: 'rejected' }).waitFor()
      await page.getByLabel('Of each task').selectOption('best-2')
      await funnel.getByText('best-2 of each task').waitFor()
      await page.waitForURL('**select=best-2*')
      await page.locator('.preview h3', { hasText: 'chosen' }).waitFor()
    },
  )

  await check('a mistake in the plan is told, and nothing is offered', async () => {
    await page.getByLabel('Test split').fill('7')
    await page.keyboard.press('Tab')
    await page.locator('.error-line').first().waitFor()
    expectText(await page.locator('.error-line').first().innerText(), 'evalFraction', 'error')
    expectEqual(await page.getByRole('button', { name: 'Make the dataset' }).isDisabled(), true, 'disabled')
    await page.getByLabel('Test split').fill('')
    await page.keyboard.press('Tab')
    await page.locator('.error-line').first().waitFor({ state: 'detached' })
  })

  await check('it is made and watched to its end', async () => {
    await page.getByLabel('Name', { exact: true }).fill('pairs')
    await page.getByRole('button', { name: 'Make the dataset' }).click()
    await page.waitForURL(/\/datasets\/[0-9a-f-]{36}$/)
    await page.locator('.funnel').getByText('exported').waitFor()
    made = new URL(page.url()).pathname
  })

  await check('its rows are read, filtered and sorted, and its card is shown', async () => {
    await page.getByRole('link', { name: 'Rows', exact: true }).click()
    const rows = page.locator('.dataset-rows tbody tr')
    await rows.first().waitFor()
    const all = await rows.count()
    await rows.first().click()
    await page.locator('.row-detail h3', { hasText: 'chosen' }).waitFor()
    await page.getByRole('combobox').first().fill('chosen_reward > 0.3 and prompt contains "question"')
    await page.keyboard.press('Enter')
    await page.waitForURL('**where=*')
    await page.getByText(/^\d+ of \d+ rows/).waitFor()
    await page.getByRole('button', { name: 'margin' }).click()
    await page.waitForURL('**sort=margin*')
    await page.locator('th[aria-sort=descending]').waitFor()
    if ((await rows.count()) > all) throw new Error('more rows than before')
    await page.getByRole('combobox').first().fill('odd = 1')
    await page.keyboard.press('Enter')
    await page.getByText('"odd" is not a column').first().waitFor()
    await page.getByRole('link', { name: 'Card', exact: true }).click()
    await page.locator('.card h3', { hasText: 'Columns' }).first().waitFor()
  })

  await check('its file is what a reader of Parquet takes', async () => {
    await page.goto(made)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('a[download]').first().click(),
    ])
    const bytes = await readFile(await download.path())
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
    const compressors = { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) }
    const [row] = (await parquetReadObjects({ file, compressors })) as { chosen_reward?: number }[]
    if (!(Number(row?.chosen_reward) < 0.5)) throw new Error(`chosen_reward ${String(row?.chosen_reward)}`)
  })

  await check('a card that is hostile is text', async () => {
    const { id, directory } = (await (await page.request.get(`/v1${made}`)).json()) as {
      id: string
      directory: string
    }
    const card = await readFile(`${directory}/README.md`, 'utf8')
    await writeFile(
      `${directory}/README.md`,
      `# <img src=x onerror=window.pwned=1>\n\n<script>window.pwned=1</script> [a](javascript:window.pwned=1) ` +
        `![b](https://elsewhere.example/x.png) ![c](card/../../x.svg) [d](https://example.org/"onclick=x)\n\n` +
        '| <b>x</b> | y |\n|---|---|\n| \u202e`z` | 1 |\n',
    )
    await page.goto(`/datasets/${id}?view=card`)
    await page.locator('.card td').first().waitFor()
    expectEqual(await page.evaluate('window.pwned ?? null'), null, 'window.pwned')
    expectEqual(await page.locator('.card img, .card script, .card td b').count(), 0, 'elements of the text')
    expectEqual(await page.locator('.card a').count(), 1, 'links')
    expectText(await page.locator('.card').innerText(), 'U+202E', 'card')
    await writeFile(`${directory}/README.md`, card)
  })

  await check('no dialog, no console error with datasets', async () => {
    const unexpected = incidents.filter((one) => !one.includes('status of 400'))
    expectEqual(unexpected, [], 'incidents')
  })
}
