// Vitest runs this for each test file.
import { afterAll } from 'vitest'
import { removeLeftOver } from './left-over.ts'

afterAll(removeLeftOver)
