import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // More than two cores have: half of the time tests wait for processes that they started.
    maxWorkers: 3,
  },
})
