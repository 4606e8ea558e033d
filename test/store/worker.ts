// A process of its own, for tests that kill processes: `node worker.ts STORE MODE`. It prints a line of
// JSON for each thing that happened.
//   open    opens the store, says so, closes it
//   hold    opens the store and keeps it open until it is killed
//   write   appends turns for ever and prints the id of each trajectory that was acknowledged
import { newId } from '../../src/ids.ts'
import { openStore } from '../../src/store/index.ts'
import { aTurnsEntries } from './fixtures.ts'

const [location = '', mode = ''] = process.argv.slice(2)

function say(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

const started = performance.now()
const store = await openStore(location)
say({ opened: Math.round(performance.now() - started) })
if (mode === 'open') await store.close()
if (mode === 'hold') setInterval(() => {}, 1000)
if (mode === 'write') await Promise.all(Array.from({ length: 8 }, writeForever))

async function writeForever(): Promise<never> {
  for (;;) {
    const place = { runId: newId(), trajectoryId: newId() }
    await store.append(aTurnsEntries(place, 'x'.repeat(3000)))
    say({ stored: place.trajectoryId })
  }
}
