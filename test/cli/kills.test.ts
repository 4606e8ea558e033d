import { expect, it } from 'vitest'
import { createWorkplace } from '../support/cli.ts'
import { killAgainAndAgain } from '../support/kills.ts'
import { seededRandom } from '../../src/tasks/random.ts'

it('a job that is killed four times pays no answered call twice and ends as an undisturbed one', async () => {
  const workplace = await createWorkplace()
  try {
    const random = seededRandom('kills')
    const report = await killAgainAndAgain({ ...workplace, tasks: 20, kills: 4, random: () => random.next() })
    expect(report).toMatchObject({
      kills: 4,
      trajectories: 20,
      done: 20,
      paidTwice: 0,
      diverged: 0,
      sameContent: true,
    })
  } finally {
    await workplace.dispose()
  }
}, 180_000)
