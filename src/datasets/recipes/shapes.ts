// Column shapes that recipes share.
import { type DataType, Field, List, Struct, Utf8 } from 'apache-arrow'
import type { Trajectory } from '../../trajectory.ts'

/** A list of structs; every field of an element may be null. The Parquet name of an element is `element`. */
export function listOf(fields: Record<string, DataType>): List {
  const children = Object.entries(fields).map(([name, type]) => new Field(name, type, true))
  return new List(new Field('element', new Struct(children), true))
}

/** What trainers call a conversation: `list<struct<role, content>>`. */
export function conversation(): List {
  return listOf({ role: new Utf8(), content: new Utf8() })
}

/** The invocation that the task started; undefined for a trajectory that ended before it. */
export function rootInvocation(trajectory: Trajectory) {
  return trajectory.invocations.find((invocation) => invocation.depth === 0)
}
