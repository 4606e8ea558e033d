// The kill test at full size: `node test/bench/kills.ts [--tasks 200] [--kills 20] [--seed NAME]`.
import { parseArgs } from 'node:util'
import { seededRandom } from '../../src/tasks/random.ts'
import { createWorkplace } from '../support/cli.ts'
import { killAgainAndAgain } from '../support/kills.ts'

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '200' },
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: 'one' },
  },
})
const workplace = await createWorkplace()
try {
  const random = seededRandom('kills', values.seed)
  const report = await killAgainAndAgain({
    ...workplace,
    tasks: Number(values.tasks),
    kills: Number(values.kills),
    random: () => random.next(),
  })
  console.log(report)
  const good = report.paidTwice === 0 && report.done === report.trajectories && report.sameContent
  process.exitCode = good ? 0 : 1
} finally {
  await workplace.dispose()
}
