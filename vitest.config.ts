import { defineConfig } from 'vitest/config'

/** They measure the memory or the delays of their process, or what it is, which others would disturb. */
const alone = ['test/sandbox/**/*.test.ts', 'test/tasks/tables.test.ts']

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    setupFiles: ['test/support/clean-up.ts'],
    projects: [
      { extends: true, test: { name: 'alone', include: alone } },
      // In one process one after another: loading the modules anew for each file took a third of the time.
      {
        extends: true,
        test: { name: 'all', include: ['test/**/*.test.ts'], exclude: alone, isolate: false },
      },
    ],
  },
})
