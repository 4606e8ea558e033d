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
    .option('--skip-bad-rows', 'leave bad rows of the task files out, and count them')
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
    .option(
      '--by <field...>',
      'also apart by a field of the tasks (difficulty, contextCharacters, …) or by run, taskset, model, protocol',
    )
    .option('--csv', 'one line a run on stdout; with --by, one line a value')
    .addHelpText('after', example('descent stats latest --json'))
    .action(async (runs, options) => (await import('./commands/stats.ts')).stats(runs, options))

  withJson(withStore(program.command('advantages')))
    .description('turn the scores of a run into advantages, for every trajectory, invocation, turn or token')
    .argument('[run]', 'the run: id, part of it, or "latest"')
    .option('--method <name>', 'how; --list tells the methods', 'grpo')
    .option('--level <level>', 'trajectory, invocation, turn or token (default: that of the method)')
    .option('--options <options>', "the method's options, as YAML or JSON")
    .option('--reward <name>', 'one reward in place of the weighted sum')
    .option('--out <file>', 'also write them to a file: .jsonl or .csv')
    .option('--limit <n>', 'lines of the table', '50')
    .option('--dry-run', 'print them, store nothing')
    .option('--list', 'list the methods')
    .option('--csv', 'print CSV on stdout')
    .addHelpText(
      'after',
      example('descent advantages latest --method rao --level turn --out advantages.jsonl'),
    )
    .action(async (run, options) => (await import('./commands/advantages.ts')).advantages(run, options))

  withJson(withStore(program.command('export')))
    .description('write a training set from stored trajectories')
    .argument('[recipe...]', 'what to write; descent export --list tells them; several become configs')
    .option('--run <run...>', 'the runs: ids, parts of them, or "latest"')
    .option('--out <dir>', 'the directory to write')
    .option('--from-manifest <file>', 'make the dataset of a manifest.json again, and compare the bytes')
    .option('--format <format>', 'parquet or jsonl', 'parquet')
    .option('--codec <codec>', 'zstd, snappy or none', 'zstd')
    .option('--shard-megabytes <n>', 'files hold no more uncompressed data than this', '500')
    .option('--min-reward <value>', 'only trajectories with at least this reward')
    .option('--only-answered', 'only trajectories that ended with an answer')
    .option('--drop-single-turn', 'not those whose root had one turn only')
    .option('--where <condition...>', 'only those that meet it: "reward >= 0.5 and 0 < group.mean < 1"')
    .option(
      '--select <which>',
      'of each task: all (default), correct, best, shortest, cheapest or diverse (best-3 and so on)',
    )
    .option('--max-per-task <n>', 'no more of a task than this')
    .option('--max-per-taskset <n>', 'no more of a taskset than this, evenly over its tasks')
    .option('--balance', 'as many of each taskset as the smallest one has')
    .option('--include-sensitive <reason>', 'also tasks marked sensitive, and why')
    .option('--clean <rule...>', 'cleaning rules, such as: repetition secrets=redact near-duplicates=0.9')
    .option(
      '--evaluation <taskset...>',
      'with --clean contamination: tasksets or task files to keep away from',
    )
    .option('--clean-tokenizer <dir>', 'with --clean prompt-tokens=N: the tokenizer that counts')
    .option('--repair [rule...]', 'repair mistakes of form in turns, all or by name; each is executed again')
    .option('--repair-off <rule...>', 'all repairs but these')
    .option('--license <name>', 'of the dataset, for its card: a short name as on the Hub')
    .option('--model-license <model=license...>', 'of the models that answered, for the card')
    .option('--list-rules', 'list the rules of --clean and --repair')
    .option('--threshold <reward>', 'the reward from which a trajectory is correct (default 0.5)')
    .option('--max-prompt-characters <n>', 'no rows with a longer prompt')
    .option(
      '--pair-by <what>',
      'preference: rollout (default), or at single cells by value, code or label (docs/datasets.md)',
    )
    .option('--min-margin <reward>', 'preference: least difference of rewards in a pair')
    .option('--max-length-ratio <ratio>', 'preference: how much longer one of a pair may be')
    .option('--pairs-per-task <n>', 'preference: no more pairs of a task (default 8)')
    .option('--contexts <where>', 'rl-prompts: files, inline or none (default files)')
    .option('--roles <list>', 'sft-turns: root, child, sub-call, comma-separated (default root)')
    .option('--no-children', 'sft-trajectories, sft-tokens, rl-rollouts: no rows of child invocations')
    .option('--tokenizer <dir>', 'sft-tokens: tokenizer and chat template for what the engine gave no ids of')
    .option('--per <unit>', 'sft-tokens: one row per branch or per turn (default branch)')
    .option('--max-tokens <n>', 'sft-tokens, rl-rollouts: no longer rows')
    .option(
      '--advantage <method>',
      'rl-rollouts: the credit method (default grpo_centered); stored:METHOD: what descent advantages stored',
    )
    .option('--current-policy <n>', 'rl-rollouts: number of the policy in training; drops stale rows')
    .option('--max-staleness <n>', 'rl-rollouts: the most versions behind it (default 8)')
    .option('--missing-logprobs <how>', 'rl-rollouts: drop such rows, or null (default drop)')
    .option('--dry-run', 'only count what each condition and cleaning rule leaves')
    .option('--eval-fraction <share>', 'share of the tasks that goes to the test split (default 0.1)')
    .option('--validation-fraction <share>', 'share of the tasks that goes to a validation split (default 0)')
    .option('--split-by <unit>', 'what splits never divide: document (of the tasks, default) or task')
    .option('--seed <n>', 'seed of the split and of balancing (default 0)')
    .option('--selection <name>', 'take what is not given from a saved selection, a YAML file or a run file')
    .option('--save-selection <name>', 'save what was asked for in the store, for --selection')
    .option('--list-selections', 'list what is saved')
    .option('--list', 'list the recipes')
    .addHelpText('after', example('descent export sft-turns --run latest --min-reward 0.5 --out ./train-set'))
    .action(async (names, options) => (await import('./commands/export.ts')).exportCommand(names, options))

  withJson(program.command('push'))
    .description('push an exported dataset to the Hugging Face Hub; the same command goes on after a break')
    .argument('<directory>', 'what descent export wrote')
    .option('--repo <owner/name>', 'the dataset repository; made when it is not there')
    .option('--public', 'make it public (private otherwise; one that is there keeps its own)')
    .option('--branch <name>', 'the branch', 'main')
    .option('--endpoint <url>', 'of the Hub (default: HF_ENDPOINT, else huggingface.co)')
    .option('--token-env <name>', 'the variable that holds the token', 'HF_TOKEN')
    .addHelpText('after', example('descent push ./train-set --repo me/rlm-turns'))
    .action(async (directory, options) =>
      (await import('./commands/push.ts')).pushCommand(directory, options),
    )

  withStore(program.command('serve'))
    .description('serve the API and the trace browser')
    .option('--port <n>', 'the port', '4321')
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .option('--datasets <directory>', 'where datasets go (default: datasets in the directory of the store)')
    .option(
      '--rlm <runFile...>',
      'answer chat requests by RLMs of these run files; the name of one is its model',
    )
    .option('--proxy-to <url>', 'a model server: chat requests go to it and are recorded')
    .option('--proxy-key-env <name>', 'the variable that holds its key')
    .addHelpText('after', example('descent serve --port 8080'))
    .action(async (options) => (await import('./commands/serve.ts')).serveCommand(options))

  withStore(program.command('worker'))
    .description('run rollouts of runs that were queued through the API, beside other workers')
    .option('--concurrency <n>', 'rollouts at once', '8')
    .addHelpText('after', example('descent worker --store postgres://user:password@host/descent'))
    .action(async (options) => (await import('./commands/worker.ts')).workerCommand(options))

  registerTokens(program.command('token').description('access tokens of the API'))

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

  withJson(withStore(program.command('import')))
    .description('store what the reference implementation (rlms) has logged as runs that have ended')
    .argument('<log...>', 'JSONL files of its logger, or directories of them')
    .option('--name <name>', 'of the run (default: that of the first log)')
    .option('--skip-bad-rows', 'leave completions with a bad line out, and count the lines')
    .addHelpText('after', example('descent import ./logs'))
    .action(async (logs, options) => (await import('./commands/import.ts')).importCommand(logs, options))

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

function registerTokens(token: Command): void {
  withJson(withStore(token.command('create')))
    .description('make a token; from then on the API asks for one')
    .argument('<name>', 'who or what will use it')
    .option('--scope <scope>', 'read, write or admin', 'read')
    .option('--days <n>', 'how long it is valid (default: until it is revoked)')
    .addHelpText('after', example('descent token create trainer --scope write --days 30'))
    .action(async (name, options) => (await import('./commands/token.ts')).createToken(name, options))
  withJson(withStore(token.command('list')))
    .description('list the tokens, newest first')
    .addHelpText('after', example('descent token list'))
    .action(async (options) => (await import('./commands/token.ts')).listTokens(options))
  withJson(withStore(token.command('revoke')))
    .description('make a token invalid at once')
    .argument('<token>', 'its id, a part of it, or its name')
    .addHelpText('after', example('descent token revoke trainer'))
    .action(async (reference, options) =>
      (await import('./commands/token.ts')).revokeToken(reference, options),
    )
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
    .option('--skip-bad-rows', 'leave bad rows out, and count them')
    .addHelpText('after', example("descent tasks show needles --options '{characters: 20000}'"))
    .action(async (what, given) => (await import('./commands/tasks.ts')).showTasks(what, given))

  withJson(tasks.command('check'))
    .description('prove without a model that gold answers score 1, and empty and wrong ones less')
    .argument('[tasksets...]', 'tasksets, run files or task files (default: all that need no data)')
    .option('--options <options>', options)
    .option('--limit <n>', 'no more tasks than this')
    .option('--examples <n>', 'how many tasks to print', '2')
    .option('--skip-bad-rows', 'leave bad rows out, and count them')
    .addHelpText('after', example('descent tasks check my-run.yaml tasks.jsonl'))
    .action(async (what, given) => (await import('./commands/tasks.ts')).checkTasks(what, given))
}

function example(command: string): string {
  return `\nExample:\n  ${command}`
}
