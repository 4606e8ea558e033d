// Ends what this process has started when this process is killed: for interpreters that cannot ask the
// system to die with their host. A shell waits at a pipe whose other end is here; when that closes, it
// kills the process groups that are still on its list.
import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import type { Writable } from 'node:stream'

const script = `
all=' '
while read -r sign id; do
  case $sign in
    +) all="$all$id " ;;
    -) all="\${all%% $id *} \${all#* $id }" ;;
  esac
done
for id in $all; do kill -9 "-$id"; done
`

let shell: ChildProcessByStdio<Writable, null, null> | null = null
let watched = 0

/** From now on the group of this process ends with this host; call what is returned when it has ended. */
export function watchOver(processId: number): () => void {
  shell ??= start()
  watched += 1
  shell.stdin.write(`+ ${processId}\n`)
  return () => {
    shell?.stdin.write(`- ${processId}\n`)
    watched -= 1
    if (watched > 0) return
    shell?.stdin.end()
    shell = null
  }
}

function start(): ChildProcessByStdio<Writable, null, null> {
  const started = spawn('/bin/sh', ['-c', script], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
    cwd: '/',
    // A group of its own: what ends the host must not end it first.
    detached: true,
  })
  started.on('error', () => {})
  started.stdin.on('error', () => {})
  started.unref()
  return started
}
