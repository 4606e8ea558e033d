// Shows a running job on stderr: redrawn frames on a terminal, log lines elsewhere.
import { createLogUpdate } from 'log-update'
import type { CollectEvent, Emit } from '../../collectors/events.ts'
import { applyEvent, initialState, type LiveState, type RunHead } from './live-state.ts'
import { endpointStatistics } from '../../src/models/index.ts'
import { renderFrame, serverTraffic } from './live-frame.ts'
import { formatCount, formatDuration, formatMoney, formatScore } from './format.ts'

const frameMs = 125
const lineMs = 5000

export interface Progress {
  emit: Emit
  /** Says that Ctrl-C was heard. */
  stopping(): void
  /** Draws the last frame and leaves it on the screen. */
  end(): void
}

export function showProgress(head: RunHead, options: { plain?: boolean } = {}): Progress {
  const state = initialState(head, Date.now())
  const terminal = process.stderr.isTTY && !options.plain
  return terminal ? liveProgress(state) : lineProgress(state)
}

function liveProgress(state: LiveState): Progress {
  const draw = createLogUpdate(process.stderr)
  const frame = () => {
    const { columns, rows } = process.stderr
    // Some terminals report a size of 0.
    const servers = endpointStatistics()
    draw(renderFrame(state, { columns: columns || 80, rows: rows || 24, now: Date.now(), servers }))
  }
  const timer = setInterval(frame, frameMs)
  return {
    emit: (event) => applyEvent(state, event, Date.now()),
    stopping() {
      state.stopping = true
      frame()
    },
    end() {
      clearInterval(timer)
      frame()
      draw.done()
    },
  }
}

function lineProgress(state: LiveState): Progress {
  const say = (text: string) => process.stderr.write(`${text}\n`)
  const status = () => {
    const finished = state.alreadyDone + state.done + state.failed
    const mean = state.rewardCount > 0 ? formatScore(state.rewardSum / state.rewardCount) : '–'
    const servers = endpointStatistics()
    say(
      `${formatDuration(Date.now() - state.startedAt)}  ${finished}/${state.total} rollouts, ${state.failed} failed, ` +
        `reward ${mean}, ${formatCount(state.calls)} calls, cost ${formatMoney(state.costUsd)}, ${state.retries} retries` +
        (servers.length > 0 ? `, ${serverTraffic(servers)}` : ''),
    )
  }
  const timer = setInterval(status, lineMs)
  return {
    emit(event: CollectEvent) {
      applyEvent(state, event, Date.now())
      if (event.type === 'start')
        say(
          `run ${event.runId}: ${event.trajectories} rollouts${event.alreadyDone > 0 ? `, ${event.alreadyDone} of them done before` : ''}`,
        )
      if (event.type === 'trajectory-end' && event.error)
        say(`${event.trajectoryId}: ${event.stopReason}: ${event.error.message}`)
      if (event.type === 'scoring-error') say(`${event.trajectoryId}: scoring failed: ${event.error.message}`)
    },
    stopping: () => say('stopping: open rollouts are given up and can be taken up again'),
    end() {
      clearInterval(timer)
      if (state.total > 0) status()
    },
  }
}
