import { defineConfig } from 'vitest/config'

const conditions = ['millrace-source', 'node', 'import', 'module', 'default']

/**
 * One project a folder of `test/`. Files of a project share forks: modules have no state of their own (a test sees to it),
 * and a fork for each file would take 30 s of 50 for the unit tests alone.
 */
const project = (name: string, overrides: Record<string, unknown> = {}) => ({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    environment: 'node',
    pool: 'forks' as const,
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    ...overrides,
  },
})

export default defineConfig({
  test: {
    // One less by default, which is half of two.
    maxWorkers: '100%',
    reporters: process.env['MILLRACE_TALLY'] ? ['default', './.ci/tally.js'] : ['default'],
    projects: [
      project('unit'),
      project('contract'),
      project('golden'),
      project('simulation', { testTimeout: 120_000 }),
      project('deep', { testTimeout: 180_000, hookTimeout: 180_000 }),
      project('integration', { testTimeout: 180_000, hookTimeout: 180_000 }),
      project('kafka', {
        testTimeout: 600_000,
        hookTimeout: 180_000,
        fileParallelism: false,
        globalSetup: ['test/support/kafka-setup.ts'],
      }),
      project('types', {
        include: [],
        typecheck: { enabled: true, only: true, include: ['test/types/**/*.test-d.ts'], tsconfig: './tsconfig.json' },
      }),
    ],
  },
})
