// Column shapes that recipes share.
import { type DataType, Field, Float32, Int32, Int8, List, Struct, Utf8 } from 'apache-arrow'

/** A list of structs; every field of an element may be null. The Parquet name of an element is `element`. */
export function listOf(fields: Record<string, DataType>): List {
  const children = Object.entries(fields).map(([name, type]) => new Field(name, type, true))
  return new List(new Field('element', new Struct(children), true))
}

function elements(type: DataType): List {
  return new List(new Field('element', type, true))
}

/** Token ids and labels: given as an Int32Array. */
export function int32s(): List {
  return elements(new Int32())
}

/** Masks: given as an Int8Array. */
export function int8s(): List {
  return elements(new Int8())
}

/** Logprobs and the like: given as a Float32Array. */
export function float32s(): List {
  return elements(new Float32())
}

export function strings(): List {
  return elements(new Utf8())
}

/** What trainers call a conversation: `list<struct<role, content>>`. */
export function conversation(): List {
  return listOf({ role: new Utf8(), content: new Utf8() })
}
