// The part of parquetjs-lite that the tests and the benchmark use; it brings no types.
declare module 'parquetjs-lite' {
  type Fields = Record<string, unknown>
  class ParquetReader {
    static openFile(path: string): Promise<ParquetReader>
    schema: { fields: Fields }
    getCursor(): { next(): Promise<Record<string, unknown> | null> }
    close(): Promise<void>
  }
  class ParquetSchema {
    readonly fields: Fields
    constructor(fields: Fields)
  }
  class ParquetWriter {
    static openFile(
      schema: ParquetSchema,
      path: string,
      options?: { rowGroupSize?: number },
    ): Promise<ParquetWriter>
    appendRow(row: Record<string, unknown>): Promise<void>
    setRowGroupSize(rows: number): void
    close(): Promise<void>
  }
  const parquet: {
    ParquetReader: typeof ParquetReader
    ParquetSchema: typeof ParquetSchema
    ParquetWriter: typeof ParquetWriter
  }
  export default parquet
}
