// The fault run at full size: 200 trajectories. `node test/bench/faults.ts`
import { createWorkplace } from '../support/cli.ts'
import { countBy, overTime, runWithFaults } from '../support/fault-run.ts'

const workplace = await createWorkplace()
try {
  const run = await runWithFaults(workplace, {
    tasks: 50,
    rollouts: 4,
    concurrency: 32,
    // The server bears 16 requests at once, then 4, then 16 again.
    capacity: (count) => (count > 600 && count < 1100 ? 4 : 16),
  })
  const print = (name: string, value: unknown) => process.stdout.write(`${name}: ${JSON.stringify(value)}\n`)
  print('exit code', run.result.code)
  print('collected', run.result.json()[0])
  print('seconds', Math.round(run.seconds))
  print('requests seen, attempts stored', [
    run.seen.length,
    run.calls.reduce((sum, call) => sum + call.attempts, 0),
  ])
  print('faults served', Object.fromEntries(run.faults))
  print(
    'failed attempts, stored with the call that succeeded after them',
    countBy(
      run.calls.flatMap(({ raw }) => raw?.failedAttempts ?? []),
      ({ code }) => code,
    ),
  )
  print(
    'failed calls by class',
    countBy(run.calls, ({ error }) => error?.code ?? null),
  )
  print(
    'answers without text',
    countBy(run.calls, ({ raw }) => raw?.noText ?? null),
  )
  print(
    'stop reasons',
    countBy(run.trajectories, ({ stop_reason }) => stop_reason),
  )
  for (const [index, { refused, open }] of overTime(run.seen, 10).entries())
    print(`tenth ${index + 1} of the requests`, { refused: Number(refused.toFixed(3)), mostOpen: open })
} finally {
  await workplace.dispose()
}
