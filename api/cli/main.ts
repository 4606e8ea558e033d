// The command line: each command is a file under commands/, loaded when it is called. Data goes to
// stdout, talk to stderr; a user's mistake is one line and exit code 2.
import { Command, CommanderError } from 'commander'
import { DescentError, UsageError } from '../../src/errors.ts'
import { version } from '../../src/package.ts'
import { Interrupted } from './interrupt.ts'
import { registerCommands } from './register.ts'

async function main(): Promise<number> {
  const program = new Command('descent')
    .description('Collect Recursive Language Model trajectories and turn them into training data.')
    .version(version)
    .showHelpAfterError('(descent --help lists the commands)')
    .exitOverride()
    .configureHelp({ sortSubcommands: false })
  registerCommands(program)
  try {
    await program.parseAsync()
    return Number(process.exitCode ?? 0)
  } catch (error) {
    return report(error)
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof Interrupted) {
    process.stderr.write('descent: interrupted; the same command takes it up again\n')
    return 130
  }
  if (error instanceof UsageError) {
    process.stderr.write(`descent: ${error.message}\n`)
    return 2
  }
  if (error instanceof DescentError) {
    process.stderr.write(`descent: ${error.message}\n`)
    return 1
  }
  process.stderr.write(
    `descent: unexpected error, please report it:\n${error instanceof Error ? error.stack : String(error)}\n`,
  )
  return 1
}

// Whoever reads may leave, as `head` does: a job goes on without telling.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}
process.exitCode = await main()
