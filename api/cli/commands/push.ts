// `descent push`: a dataset to the Hugging Face Hub.
import { pushDataset } from '../../../src/datasets/index.ts'
import { environmentValue } from '../../../src/env.ts'
import { UsageError } from '../../../src/errors.ts'
import { onInterrupt } from '../interrupt.ts'
import { printJson, say } from '../store-option.ts'

export interface PushCommandOptions {
  repo?: string
  public?: boolean
  branch: string
  endpoint?: string
  tokenEnv: string
  json?: boolean
}

export async function pushCommand(directory: string, options: PushCommandOptions): Promise<void> {
  const { repo, branch, tokenEnv } = options
  if (!repo) throw new UsageError('push: name the repository with --repo owner/name')
  const token = environmentValue(tokenEnv)
  if (token === undefined) {
    throw new UsageError(
      `push: the variable ${tokenEnv} is not set. Put a token of the Hub that may write into it, or name another with --token-env.`,
    )
  }
  const endpoint = options.endpoint ?? environmentValue('HF_ENDPOINT')
  const interrupt = onInterrupt()
  try {
    const pushed = await pushDataset({
      directory,
      repo,
      token,
      branch,
      visibility: options.public ? 'public' : 'private',
      ...(endpoint === undefined ? {} : { endpoint }),
      signal: interrupt.signal,
      onNotice: say,
    })
    if (options.json) printJson(pushed)
    else {
      const { sent, kept, removed, url } = pushed
      say(`${sent.length} files sent, ${kept.length} were there, ${removed.length} removed: ${url}`)
    }
  } finally {
    interrupt.dispose()
  }
}
