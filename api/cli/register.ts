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
    .description('score the trajectories of a run: what is missing, or with other rewards')
    .argument('[run]', 'the run: id, part of it, or "latest"')
    .option('--run <run>', 'the same, as an option')
    .option('--reward <name...>', "rewards by name or path (default: the run's own)")
    .option('--rewards <file>', 'a YAML file with "rewards", as in a run file: for options and weights')
    .option('--again', 'compute scores that are there already, too')
    .option('--dry-run', 'print the values, store nothing')
    .option('--limit <n>', 'only so many trajectories (with --compare: lines)')
    .option('--concurrency <n>', 'trajectories at once', '8')
    .option('--judge-cache <dir>', "keep judges' replies there, and use those that are there")
    .option('--compare <a-b...>', 'what differs between two scores: name, name@version, name@version#hash')
    .option('--calibrate <judge-human...>', 'how far a judge agrees with human scores')
    .option('--human <trajectory>', 'give a trajectory a score by hand, with --value and --reason')
    .option('--value <number>', 'the score given by hand')
    .option('--reason <text>', 'why')
    .option('--author <name>', 'who (default: the user of this machine)')
    .option('--weight <number>', 'what the score by hand weighs in the reward (default: 0)')
    .addHelpText('after', example('descent score latest --reward exact ./my-reward.ts --dry-run --limit 5'))
    .action(async (run, options) => (await import('./commands/score.ts')).score(run, options))

  withJson(withStore(program.command('stats')))
    .description('means, pass@k, intervals, costs and times of runs; two runs are compared task by task')
    .argument('<run...>', 'runs: ids, parts of them, or "latest"')
    .option('--reward <name>', 'one reward in place of the weighted sum')
    .option('--pass-from <value>', 'the reward from which on a rollout counts as right', '1')
    .option('--seed <n>', 'seed of the resampling', '0')
    .option('--csv', 'one line a run on stdout')
    .addHelpText('after', example('descent stats latest --json'))
    .action(async (runs, options) => (await import('./commands/stats.ts')).stats(runs, options))

  withJson(withStore(program.command('export')))
    .description('write a training set from stored trajectories')
    .argument('[recipe]', 'what to write; descent export --list tells them')
    .option('--run <run...>', 'the runs: ids, parts of them, or "latest"')
    .option('--out <dir>', 'the directory to write')
    .option('--codec <codec>', 'zstd, snappy or none', 'zstd')
    .option('--min-reward <value>', 'only trajectories with at least this reward')
    .option('--only-answered', 'only trajectories that ended with an answer')
    .option('--drop-single-turn', 'not those whose root had one turn only')
    .option('--where <condition...>', 'only those that meet it: "reward >= 0.5 and 0 < group.mean < 1"')
    .option('--select <which>', 'of each task: all, correct, best, best-N, shortest or cheapest', 'all')
    .option('--max-per-task <n>', 'no more of a task than this')
    .option('--threshold <reward>', 'the reward from which a trajectory is correct', '0.5')
    .option('--max-prompt-characters <n>', 'no rows with a longer prompt')
    .option('--min-margin <reward>', 'preference: least difference of rewards in a pair')
    .option('--max-length-ratio <ratio>', 'preference: how much longer one of a pair may be')
    .option('--pairs-per-task <n>', 'preference: no more pairs of a task (default 8)')
    .option('--contexts <where>', 'rl-prompts: files, inline or none (default files)')
    .option('--no-children', 'sft-trajectories: no rows of child invocations')
    .option('--dry-run', 'only count what each condition leaves')
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

  registerTasks(program.command('tasks').description('list, show and check tasksets'))

  program
    .command('schema')
    .description('print the JSON Schema of run files, for editors')
    .addHelpText('after', example('descent schema > run-file.schema.json'))
    .action(async () => (await import('./commands/schema.ts')).schema())
}

function registerTasks(tasks: Command): void {
  withJson(tasks.command('list'))
    .description('list the tasksets that a run file can name')
    .addHelpText('after', example('descent tasks list'))
    .action(async (options) => (await import('./commands/tasks.ts')).listTasks(options))

  const options = "the taskset's options, as YAML or JSON"
  withJson(tasks.command('show'))
    .description('show the options of a taskset and some of its tasks')
    .argument('<taskset>', 'a taskset, a run file or a task file')
    .option('--options <options>', options)
    .option('--limit <n>', 'how many tasks', '3')
    .addHelpText('after', example("descent tasks show needles --options '{characters: 20000}'"))
    .action(async (what, given) => (await import('./commands/tasks.ts')).showTasks(what, given))

  withJson(tasks.command('check'))
    .description('prove without a model that gold answers score 1, and empty and wrong ones less')
    .argument('[tasksets...]', 'tasksets, run files or task files (default: all that need no data)')
    .option('--options <options>', options)
    .option('--limit <n>', 'no more tasks than this')
    .option('--examples <n>', 'how many tasks to print', '2')
    .addHelpText('after', example('descent tasks check my-run.yaml tasks.jsonl'))
    .action(async (what, given) => (await import('./commands/tasks.ts')).checkTasks(what, given))
}

function example(command: string): string {
  return `\nExample:\n  ${command}`
}
