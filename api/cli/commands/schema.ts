// `descent schema`: the JSON Schema of run files.
import { z } from 'zod'
import { runFileSchema } from '../../../src/run-file.ts'

export function schema(): void {
  process.stdout.write(
    `${JSON.stringify(z.toJSONSchema(runFileSchema, { io: 'input', unrepresentable: 'any' }), null, 2)}\n`,
  )
}
