// A whole trajectory as JSON text, made turn by turn: a long one is larger than one string may be.
import type { Invocation, Trajectory } from '../../src/trajectory.ts'

/** Parts that, joined, are `JSON.stringify` of the trajectory with `invocations` moved to the end. */
export function* trajectoryParts(trajectory: Trajectory): Generator<string> {
  const { invocations, ...head } = trajectory
  yield `${JSON.stringify(head).slice(0, -1)},"invocations":[`
  for (const [index, invocation] of invocations.entries()) {
    if (index > 0) yield ','
    yield* invocationParts(invocation)
  }
  yield ']}'
}

function* invocationParts({ turns, ...head }: Invocation): Generator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"turns":[`
  for (const [index, turn] of turns.entries()) {
    if (index > 0) yield ','
    yield JSON.stringify(turn)
  }
  yield ']}'
}

export function streamTrajectory(trajectory: Trajectory): ReadableStream<Uint8Array<ArrayBuffer>> {
  const parts = trajectoryParts(trajectory)
  const encoder = new TextEncoder()
  return new ReadableStream({
    pull(controller) {
      const { done, value } = parts.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
  })
}
