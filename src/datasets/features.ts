// The columns of a recipe as Hugging Face `datasets` names them, for the `huggingface` key in the footer of
// a Parquet file. Source: huggingface/datasets, `Features.to_dict` and what `Dataset.to_parquet` writes.
import { DataType, type Field, Precision, type Schema } from 'apache-arrow'

type Feature =
  | { dtype: string; _type: 'Value' }
  | { feature: Feature; _type: 'List' }
  | { [name: string]: Feature }

/** The text of the footer's value. */
export function huggingfaceFooter(schema: Schema): string {
  const features = Object.fromEntries(schema.fields.map((field) => [field.name, featureOf(field.type)]))
  return JSON.stringify({ info: { features } })
}

function featureOf(type: DataType): Feature {
  const children = type.children as Field[] | null
  if (DataType.isList(type) && children?.[0]) return { feature: featureOf(children[0].type), _type: 'List' }
  if (DataType.isStruct(type) && children) {
    return Object.fromEntries(children.map((field) => [field.name, featureOf(field.type)]))
  }
  return { dtype: dtypeOf(type), _type: 'Value' }
}

function dtypeOf(type: DataType): string {
  if (DataType.isUtf8(type)) return 'string'
  if (DataType.isBool(type)) return 'bool'
  if (DataType.isInt(type)) return `int${type.bitWidth}`
  if (DataType.isFloat(type)) return type.precision === Precision.SINGLE ? 'float32' : 'float64'
  if (DataType.isTimestamp(type)) return 'timestamp[us, tz=UTC]'
  throw new TypeError(`No feature for Arrow type ${type.typeId}.`)
}
