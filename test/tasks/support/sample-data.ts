// Where the sample data is: beside the project.
import path from 'node:path'

export const sampleData = path.resolve(import.meta.dirname, '../../../../shared/data')
