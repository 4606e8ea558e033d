// Drives the built trace browser in Chromium, over a trajectory full of hostile text.
// node test/browser/run.ts [DIRECTORY FOR SCREENSHOTS]; needs `vite build` first.
// Prints `N passed, N failed`; exits 1 when one failed, 0 when all passed or there is no Chromium.
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { openExports } from '../../api/http/exports.ts'
import { openJobs } from '../../api/http/jobs.ts'
import { defaultWebDirectory } from '../../api/http/pages.ts'
import { serve } from '../../api/http/serve.ts'
import { exportDataset } from '../../src/datasets/index.ts'
import { openStore } from '../../src/store/index.ts'
import { makeSample } from '../http/sample.ts'
import { removeDirectory, temporaryDirectory } from '../support/directory.ts'
import { checkAccess } from './access.ts'
import { checkDatasets } from './datasets.ts'
import { checkGiants, makeGiant } from './giants.ts'
import { counts, say, watch } from './harness.ts'
import { checkJudging } from './judging.ts'
import { checkJourneys } from './journeys.ts'
import { photograph } from './photographs.ts'
import { checkRerun, collectOne } from './rerun.ts'
import { checkViews } from './views.ts'

const executablePath = '/usr/bin/chromium'
const flags = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

async function main(): Promise<void> {
  if (!existsSync(executablePath)) return say(`skipped: there is no Chromium at ${executablePath}`)
  if (!existsSync(join(defaultWebDirectory(), 'index.html'))) {
    counts.failed++
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
  const exports = openExports(store, join(place, 'datasets'))
  const jobs = openJobs(store, place)
  const server = await serve({ store, host: '127.0.0.1', port: 0, rate, exports, jobs })
  const args = process.getuid?.() === 0 ? ['--no-sandbox', ...flags] : flags
  const browser = await chromium.launch({ executablePath, args })
  try {
    const watched = await watch(browser, server.url, { viewport: { width: 1280, height: 800 } })
    await checkViews(watched, sample)
    await checkJourneys(watched, sample)
    await checkJudging(watched, sample)
    await checkDatasets(watched, sample)
    await checkGiants(watched, await makeGiant(store, place))
    await checkRerun(watched, await collectOne(store, jobs, place))
    await watched.page.context().close()
    // Both mostly wait for pages to come to rest.
    await Promise.all([
      checkAccess(browser, server.url, sample),
      photograph(browser, server.url, sample, directory),
    ])
    if (process.argv[2] !== undefined) say(`screenshots: ${directory}`)
  } finally {
    await browser.close()
    await server.close()
    await exports.close()
    await jobs.close()
    await store.close()
    if (process.argv[2] !== undefined || counts.failed === 0) await removeDirectory(place)
  }
}

await main()
say(`${counts.passed} passed, ${counts.failed} failed`)
process.exitCode = counts.failed > 0 ? 1 : 0
