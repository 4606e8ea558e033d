// TRL's own trainers on one export of several configs. The content is a small run of two rollouts a task,
// one correct and one not; half of the rollouts have ids of an engine.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { loadChatTokenizer } from '../../src/datasets/chat-tokenizer.ts'
import { exportDataset } from '../../src/datasets/index.ts'
import { createTokenChains } from '../../src/models/token-deltas.ts'
import type { CallTokens } from '../../src/store/contract.ts'
import { makeContent, makeTrajectory, makeTurns } from '../datasets/fixtures.ts'
import { examineWith, type Say } from './documents.ts'
import { examineLoaders, trlPackages } from './loaders.ts'
import { jsonLines, preparePython } from './python.ts'
import { createMemoryStore } from '../datasets/memory-store.ts'
import type { StoredTokens } from '../datasets/token-fixtures.ts'
import { endOfText, writeTokenizer } from '../datasets/tokenizer.ts'

const verlPackages = ['verl', 'torch', 'torchvision', 'torchdata', 'pillow']

export const trainedRecipes = [
  'sft-turns',
  'sft-trajectories',
  'sft-tokens',
  'preference',
  'kto',
  'rl-prompts',
  'process',
]

/** Writes the tokenizer and the dataset; both lie in `place`. */
export async function writeTrainingSet(place: string): Promise<{ directory: string; tokenizer: string }> {
  const tokenizer = join(place, 'tiny-tokenizer')
  const directory = join(place, 'training-set')
  await mkdir(place, { recursive: true })
  await writeTokenizer(tokenizer)
  const content = makeContent(8, 0)
  content.trajectories = content.tasks.flatMap((task, index) =>
    [1, 0].map((reward, rollout) => {
      const code = `I look 😀\n\`\`\`repl\nprint(context[:${index}])\n\`\`\``
      const replies = [code, reward === 1 ? `It is ${task.id}.` : 'I do not know the the.', 'done']
      return makeTrajectory('run-1', task.id, rollout, { reward, turns: makeTurns(task.prompt, replies) })
    }),
  )
  const tokens = await engineTokens(content, tokenizer)
  await exportDataset({
    store: createMemoryStore({ ...content, tokens }),
    runIds: ['run-1'],
    recipe: trainedRecipes,
    recipeOptions: { tokenizer },
    directory,
    evalFraction: 0.2,
    validationFraction: 0.2,
  })
  return { directory, tokenizer }
}

/** Of the first rollout of each task, as an engine with this tokenizer would give them. */
async function engineTokens(content: ReturnType<typeof makeContent>, place: string): Promise<StoredTokens> {
  const tokenizer = await loadChatTokenizer(place)
  const all: StoredTokens = new Map()
  for (const trajectory of content.trajectories.filter(({ rollout }) => rollout === 0)) {
    const chains = createTokenChains()
    const stored = new Map<string, CallTokens>()
    for (const turn of trajectory.invocations[0]?.turns ?? []) {
      const { call } = turn
      call.id = `${trajectory.id}/${turn.index}`
      const completion = tokenizer.encode(`${call.response.text}${endOfText}`)
      const prompt = tokenizer.encode(tokenizer.render(call.messages, true))
      const placed = chains.place('root', call.id, { source: 'engine', prompt, completion, logprobs: null })
      const logprobs = new Float32Array(completion.length).fill(-1)
      stored.set(call.id, {
        callId: call.id,
        baseCallId: placed.baseCallId,
        prompt: placed.prompt,
        completion,
        logprobs,
      })
    }
    all.set(trajectory.id, stored)
  }
  return all
}

/** TRL's trainers, then verl's loaders, on the same files. The first install takes minutes: PyTorch is large. */
export async function examineTrainers(place: string, say: Say): Promise<void> {
  const { directory, tokenizer } = await writeTrainingSet(join(place, 'training'))
  const python = await preparePython(trlPackages)
  if ('reason' in python) say('skipped', "TRL's trainers (SFT, DPO, KTO, GRPO)", python.reason)
  else {
    const program = join(import.meta.dirname, 'trainers.py')
    const out = join(place, 'trainers-out')
    for (const line of await jsonLines(python.python, [program, directory, tokenizer, out])) {
      if (typeof line['check'] !== 'string') continue
      say(line['ok'] === true ? 'passed' : 'failed', line['check'], String(line['detail']))
    }
  }
  await examineWith(verlPackages, ['verl', directory], say)
  await examineLoaders(directory, say)
}
