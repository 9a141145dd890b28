import type { PlantedBug } from '../planted-bug.ts'

export const paceBugs: readonly PlantedBug[] = [
  {
    name: 'a thread that has caught up waits for its interval',
    file: 'src/runtime/commit-pace.ts',
    find: 'if (waiting === 0) return Math.min(',
    replace: 'if (waiting < 0) return Math.min(',
    killer: {
      project: 'simulation',
      file: 'pace.test.ts',
      test: 'a job that has caught up commits what comes at once',
    },
  },
  {
    name: 'commits of a thread that has caught up may take all of the time',
    file: 'src/runtime/commit-pace.ts',
    find: 'Math.max(minIntervalMs, 2 * tookMs)',
    replace: 'Math.max(minIntervalMs, tookMs)',
    killer: {
      project: 'unit',
      file: 'runtime/commit-pace.test.ts',
      test: 'the pace of commits of a thread that has caught',
    },
  },
  {
    name: 'commits come less often although the thread is not behind',
    file: 'src/runtime/commit-pace.ts',
    find: '    if (!this.isBehind(waiting)) return longest\n',
    replace: '',
    killer: {
      project: 'unit',
      file: 'runtime/commit-pace.test.ts',
      test: 'the pace of commits stretches for no thread',
    },
  },
  {
    name: 'an interval begins with the last commit instead of the first work behind it',
    file: 'src/runtime/commit-pace.ts',
    find: 'const longest = this.sinceMs + intervalMs',
    replace: 'const longest = this.lastMs + intervalMs',
    killer: { project: 'unit', file: 'runtime/commit-pace.test.ts', test: 'the pace of commits is the interval from' },
  },
  {
    name: 'what waits at the broker does not count',
    file: 'src/runtime/record-queue.ts',
    find: 'Math.max(0, lastStableOffset - this.position)',
    replace: 'Math.max(0, this.fetched.fetchOffset - this.position)',
    killer: {
      project: 'unit',
      file: 'runtime/record-queue.test.ts',
      test: 'a record queue says how many records wait',
    },
  },
  {
    name: 'a sleep without an end ends at once',
    file: 'src/runtime/sleeper.ts',
    find: 'Number.isFinite(mostMs) ? this.clock.timer(mostMs,',
    replace: 'mostMs > 0 ? this.clock.timer(Number.isFinite(mostMs) ? mostMs : 0,',
    killer: { project: 'unit', file: 'runtime/sleeper.test.ts', test: 'a sleeper sleeps without an end' },
  },
]
