// Shows an export on stderr: one line that is redrawn on a terminal, a line every few seconds elsewhere.
import { createLogUpdate } from 'log-update'
import type { ExportProgress } from '../../src/datasets/index.ts'
import { formatBytes, formatDuration } from './format.ts'

const frameMs = 125
const lineMs = 5000

/** `1,200/3,400 trajectories, 6,200 rows, 1,033 rows/s, 93.1 MiB/s, 0:12 left`. */
export function progressLine(progress: ExportProgress): string {
  const { trajectories, of, rows, bytes, seconds, secondsLeft } = progress
  const count = (value: number) => Math.round(value).toLocaleString('en-US')
  const speed = seconds > 0 ? `, ${count(rows / seconds)} rows/s, ${formatBytes(bytes / seconds)}/s` : ''
  const left = secondsLeft === null ? '' : `, ${formatDuration(secondsLeft * 1000)} left`
  return `${count(trajectories)}/${count(of)} trajectories, ${count(rows)} rows${speed}${left}`
}

export interface ExportDisplay {
  update(progress: ExportProgress): void
  /** Before the first row: trajectories that were judged and mended. */
  cleaned(trajectories: number, of: number): void
  /** A line that stays. */
  notice(text: string): void
  end(): void
}

/** `quiet` shows notices alone. */
export function showExport({ quiet }: { quiet: boolean }): ExportDisplay {
  let last: string | null = null
  const say = (text: string) => void process.stderr.write(`${text}\n`)
  const nothing = () => undefined
  if (quiet) return { update: nothing, cleaned: nothing, notice: say, end: nothing }
  const draw = process.stderr.isTTY ? createLogUpdate(process.stderr) : null
  const show = () => {
    if (last !== null) (draw ?? say)(last)
  }
  const timer = setInterval(show, draw ? frameMs : lineMs)
  timer.unref()
  return {
    update: (progress) => void (last = progressLine(progress)),
    cleaned: (trajectories, of) =>
      void (last = `cleaning: ${trajectories.toLocaleString('en-US')}/${of.toLocaleString('en-US')} trajectories`),
    notice(text) {
      draw?.clear()
      say(text)
    },
    end() {
      clearInterval(timer)
      draw?.clear()
    },
  }
}
