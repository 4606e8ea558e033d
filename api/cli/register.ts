// The commands of `descent`, in the order in which a new user meets them.
import type { Command } from 'commander'
import { withJson, withStore } from './store-option.ts'

/** A number of an option; commander reports the message as a usage error. */
export function registerCommands(program: Command): void {
  withJson(withStore(program.command('demo')))
    .description(
      'collect, score and export a small training set with scripted models: the whole way in a minute',
    )
    .option('--out <dir>', 'where the training sets go', './descent-demo')
    .option('--tasks <n>', 'how many tasks', '12')
    .option('--rollouts <n>', 'rollouts of each task', '4')
    .addHelpText('after', example('descent demo --out /tmp/demo'))
    .action(async (options) => (await import('./commands/demo.ts')).demo(options))

  withJson(withStore(program.command('collect')))
    .description('run a collection job')
    .argument('[runFile]', 'the run file (YAML); not needed with --resume')
    .option('--resume <run>', 'take up this run: only what is missing or failed is done')
    .option('--new', 'start a new run even if an interrupted one of the same run file exists')
    .option('--dry-run', 'check everything, run nothing')
    .option('--plain', 'log lines in place of the live view')
    .addHelpText('after', example('descent collect examples/openai.yaml'))
    .action(async (runFile, options) => (await import('./commands/collect.ts')).collect(runFile, options))

  withJson(withStore(program.command('score')))
    .description('score the trajectories of a run, again or with other rewards')
    .requiredOption('--run <run>', 'the run: id, part of it, or "latest"')
    .option('--reward <name...>', "rewards to use (default: the run's own)")
    .addHelpText('after', example('descent score --run latest --reward exact set_f1'))
    .action(async (options) => (await import('./commands/score.ts')).score(options))

  withJson(withStore(program.command('export')))
    .description('write a training set from stored trajectories')
    .argument('[recipe]', 'what to write; descent export --list tells them')
    .option('--run <run...>', 'the runs: ids, parts of them, or "latest"')
    .option('--out <dir>', 'the directory to write')
    .option('--codec <codec>', 'zstd, snappy or none', 'zstd')
    .option('--min-reward <value>', 'only trajectories with at least this reward')
    .option('--only-answered', 'only trajectories that ended with an answer')
    .option('--eval-fraction <share>', 'share of the tasks that goes to the test split', '0.1')
    .option('--seed <n>', 'seed of the split', '0')
    .option('--list', 'list the recipes')
    .addHelpText('after', example('descent export sft-turns --run latest --min-reward 0.5 --out ./train-set'))
    .action(async (recipe, options) => (await import('./commands/export.ts')).exportCommand(recipe, options))

  withStore(program.command('serve'))
    .description('serve the API and the trace browser')
    .option('--port <n>', 'the port', '4321')
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .addHelpText('after', example('descent serve --port 8080'))
    .action(async (options) => (await import('./commands/serve.ts')).serveCommand(options))

  withJson(withStore(program.command('runs')))
    .description('list the runs, newest first')
    .option('--limit <n>', 'how many', '50')
    .addHelpText('after', example('descent runs --json'))
    .action(async (options) => (await import('./commands/runs.ts')).runs(options))

  withJson(withStore(program.command('list')))
    .description('list the trajectories of a run')
    .argument('<run>', 'the run: id, part of it, or "latest"')
    .option('--status <status>', 'pending, running, done or failed')
    .option('--limit <n>', 'how many (default: all with --json, else 50)')
    .addHelpText('after', example('descent list latest --status done'))
    .action(async (run, options) => (await import('./commands/list.ts')).list(run, options))

  withJson(withStore(program.command('show')))
    .description('show one trajectory as a tree')
    .argument('<trajectory>', 'its id or part of it')
    .addHelpText('after', example('descent show 3f9a1c2e --json'))
    .action(async (trajectory, options) => (await import('./commands/show.ts')).show(trajectory, options))

  withJson(withStore(program.command('replay')))
    .description('execute the cells of a stored trajectory again, with their recorded answers')
    .argument('<trajectory>', 'its id or part of it')
    .addHelpText('after', example('descent replay 3f9a1c2e'))
    .action(async (trajectory, options) => (await import('./commands/replay.ts')).replay(trajectory, options))

  withJson(withStore(program.command('fork')))
    .description('branch a stored trajectory: keep its first turns, then roll out afresh')
    .argument('<trajectory>', 'its id or part of it')
    .requiredOption('--turn <n>', 'how many root turns to keep')
    .option('--rollouts <k>', 'how many continuations', '1')
    .option('--model <name>', 'another model for the root, on the same server')
    .option('--temperature <t>', 'another temperature')
    .addHelpText('after', example('descent fork 3f9a1c2e --turn 2 --rollouts 8 --temperature 1'))
    .action(async (trajectory, options) => (await import('./commands/fork.ts')).fork(trajectory, options))

  withJson(withStore(program.command('doctor')))
    .description('check Node, Python, the sandbox, the store, the disk and the models of a run file')
    .argument('[runFile]', 'also check that the models of this run file answer')
    .addHelpText('after', example('descent doctor examples/openai.yaml'))
    .action(async (runFile, options) => (await import('./commands/doctor.ts')).doctor(runFile, options))

  program
    .command('schema')
    .description('print the JSON Schema of run files, for editors')
    .addHelpText('after', example('descent schema > run-file.schema.json'))
    .action(async () => (await import('./commands/schema.ts')).schema())
}

function example(command: string): string {
  return `\nExample:\n  ${command}`
}
