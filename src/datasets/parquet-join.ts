// One Parquet file from several of the same schema: their row groups, one after another. Pages are copied as
// they are; only the places that the footer tells of them move. Field numbers: parquet.thrift of
// apache/parquet-format.
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { decodeStruct, encodeStruct, kinds, type Field, type List } from './thrift-compact.ts'

const magic = Buffer.from('PAR1')
/** The length of the footer, and the magic number behind it. */
const tailBytes = 8
const copyBytes = 1 << 20

const fileFields = { rows: 3, rowGroups: 4 } as const
const groupFields = { columns: 1, offset: 5, ordinal: 7 } as const
const chunkFields = { offset: 2, metadata: 3, offsetIndex: 4, columnIndex: 6 } as const
/** Data page, index page, dictionary page, bloom filter. */
const metadataOffsets = [9, 10, 11, 14]

export interface JoinedFile {
  /** Appends the row groups of the file at `path`. */
  add(path: string): Promise<void>
  /** Writes the footer; that of the first file, with the row groups of all. */
  finish(): Promise<void>
  close(): Promise<void>
}

/** Errors raised: what the file system says; RangeError for a file that is not Parquet. */
export async function joinParquet(target: string): Promise<JoinedFile> {
  const file = await open(target, 'wx')
  let end = 0
  let footer: Field[] | null = null
  let rows = 0n
  const groups: Field[][] = []

  async function append(bytes: Buffer): Promise<void> {
    await file.write(bytes, 0, bytes.length, end)
    end += bytes.length
  }

  async function appendBody(part: FileHandle, until: number): Promise<void> {
    const buffer = Buffer.allocUnsafe(Math.min(copyBytes, until))
    for (let at = magic.length; at < until;) {
      const { bytesRead } = await part.read(buffer, 0, Math.min(buffer.length, until - at), at)
      if (bytesRead === 0) throw new RangeError('a part of the file is cut off')
      await append(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
  }

  return {
    async add(path) {
      if (end === 0) await append(magic)
      const part = await open(path, 'r')
      try {
        const { metadata, start } = await readFooter(part)
        const shift = BigInt(end - magic.length)
        await appendBody(part, start)
        footer ??= metadata
        rows += valueOf(metadata, fileFields.rows) as bigint
        for (const group of structsOf(metadata, fileFields.rowGroups)) {
          moveGroup(group, shift, groups.length)
          groups.push(group)
        }
      } finally {
        await part.close()
      }
    },
    async finish() {
      if (footer === null) throw new RangeError('a file of no parts')
      set(footer, fileFields.rows, rows)
      set(footer, fileFields.rowGroups, { kind: kinds.struct, items: groups })
      const bytes = encodeStruct(footer)
      const length = Buffer.alloc(4)
      length.writeUInt32LE(bytes.length)
      await append(Buffer.concat([bytes, length, magic]))
    },
    close: async () => await file.close(),
  }
}

/** `start`: where the footer begins. */
async function readFooter(part: FileHandle): Promise<{ metadata: Field[]; start: number }> {
  const { size } = await part.stat()
  const tail = Buffer.alloc(tailBytes)
  await part.read(tail, 0, tailBytes, size - tailBytes)
  const length = tail.readUInt32LE(0)
  const start = size - tailBytes - length
  if (!tail.subarray(4).equals(magic) || start < magic.length) throw new RangeError('not a Parquet file')
  const bytes = Buffer.alloc(length)
  await part.read(bytes, 0, length, start)
  return { metadata: decodeStruct(bytes), start }
}

function moveGroup(group: Field[], shift: bigint, ordinal: number): void {
  move(group, groupFields.offset, shift)
  // 16 bits: left out where they do not do, as it may be.
  if (ordinal < 1 << 15) set(group, groupFields.ordinal, BigInt(ordinal))
  else group.splice(0, group.length, ...group.filter(({ id }) => id !== groupFields.ordinal))
  for (const chunk of structsOf(group, groupFields.columns)) {
    for (const id of [chunkFields.offset, chunkFields.offsetIndex, chunkFields.columnIndex])
      move(chunk, id, shift)
    const metadata = valueOf(chunk, chunkFields.metadata) as Field[]
    for (const id of metadataOffsets) move(metadata, id, shift)
  }
}

function find(fields: Field[], id: number): Field | undefined {
  return fields.find((field) => field.id === id)
}

function valueOf(fields: Field[], id: number): Field['value'] {
  const field = find(fields, id)
  if (!field) throw new RangeError(`a footer without field ${id}`)
  return field.value
}

function structsOf(fields: Field[], id: number): Field[][] {
  return (valueOf(fields, id) as List).items as Field[][]
}

/** Where the field is there. */
function set(fields: Field[], id: number, value: Field['value']): void {
  const field = find(fields, id)
  if (field) field.value = value
}

/** An offset of 0 says that there is none. */
function move(fields: Field[], id: number, shift: bigint): void {
  const field = find(fields, id)
  if (typeof field?.value === 'bigint' && field.value > 0n) field.value += shift
}
