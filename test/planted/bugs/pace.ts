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
  {
    name: 'the transaction behind a cut is sent before the one before it is known',
    file: 'src/kafka/transactional-producer.ts',
    find: `    if (this.held !== null) {
      this.held.push(batch)`,
    replace: `    if (this.held !== null && this.held.length > 1e9) {
      this.held.push(batch)`,
    killer: {
      project: 'unit',
      file: 'kafka/transactional-producer.test.ts',
      test: 'a transactional producer holds back',
    },
  },
  {
    name: 'held batches outlive the failure of the transaction before them',
    file: 'src/kafka/transactional-producer.ts',
    find: `    this.held = null
    this.pendingBytes = 0`,
    replace: '    this.pendingBytes = 0',
    killer: {
      project: 'simulation',
      file: 'pipeline.test.ts',
      test: 'the transaction behind a cut is dropped with the one before it',
    },
  },
  {
    name: 'a store says that it holds nothing of its last commit',
    file: 'src/checkpoint/task-stores.ts',
    find: 'ends[at] as number, clock',
    replace: '0, clock',
    killer: {
      project: 'integration',
      file: 'plan-edits.test.ts',
      test: 'a pipeline that was edited goes on where it was another sink, said first',
    },
  },
  {
    name: 'a source is told that what was taken behind the cut is durable',
    file: 'src/runtime/split-pump.ts',
    find: 'open.durable = open.cutAt',
    replace: 'open.durable = this.log.position(open.split.id).position',
    killer: { project: 'unit', file: 'runtime/split-pump.test.ts', test: 'a split pump acknowledges nothing that was' },
  },
  {
    name: 'a commit that failed behind the thread is never heard of',
    file: 'src/runtime/commit-cycle.ts',
    find: "    if (this.state === 'failed') return Number.NEGATIVE_INFINITY\n",
    replace: '',
    killer: {
      project: 'simulation',
      file: 'pipeline.test.ts',
      test: 'the transaction behind a cut need not be there for a thread',
    },
  },
  {
    name: 'what is held back does not count as unacknowledged',
    file: 'src/kafka/transactional-producer.ts',
    find: `    this.pendingBytes += batch.writer.sizeBytes
    if (`,
    replace: `    if (this.held === null) this.pendingBytes += batch.writer.sizeBytes
    if (`,
    killer: {
      project: 'unit',
      file: 'kafka/transactional-producer.test.ts',
      test: 'a transactional producer holds back',
    },
  },
]
