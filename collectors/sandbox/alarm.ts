// A time limit that is set for every cell and hardly ever reached. The timer under it is left running when
// the limit is lifted, and looks what is due when it fires: a timer made anew costs as much as a short cell.

export interface Alarm {
  /** Calls `then` once, in `milliseconds`, unless it is set anew or lifted before. */
  set(milliseconds: number, then: () => void): void
  lift(): void
  /** Nothing is due any more, and no timer is left. */
  close(): void
}

/** The longest that a timer takes (Node's documentation of `setTimeout`). */
const longestMs = 2 ** 31 - 1

/** Keeps the process alive only while it is set. */
export function createAlarm(): Alarm {
  let timer: NodeJS.Timeout | undefined
  let firesAt = Infinity
  let dueAt = Infinity
  let due = nothing

  function arm(): void {
    disarm()
    firesAt = dueAt
    timer = setTimeout(look, Math.max(0, Math.min(Math.ceil(dueAt - performance.now()), longestMs)))
  }

  function disarm(): void {
    // Node keeps what it has made for the duration of a cleared timer until then, unless that timer was ref'd.
    timer?.ref()
    clearTimeout(timer)
    firesAt = Infinity
  }

  function look(): void {
    firesAt = Infinity
    if (dueAt === Infinity) return
    if (performance.now() < dueAt) return arm()
    dueAt = Infinity
    due()
  }

  return {
    set(milliseconds, then) {
      dueAt = performance.now() + milliseconds
      due = then
      if (dueAt < firesAt) arm()
      else timer?.ref()
    },
    lift() {
      dueAt = Infinity
      due = nothing
      timer?.unref()
    },
    close() {
      dueAt = Infinity
      due = nothing
      disarm()
    },
  }
}

function nothing(): void {}
