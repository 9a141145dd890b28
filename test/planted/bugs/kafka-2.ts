import type { PlantedBug } from '../planted-bug.ts'

export const kafkaBugs2: readonly PlantedBug[] = [
  {
    name: 'the living are fenced',
    file: 'src/kafka/fencing.ts',
    find: `      if (alive.has(transactionalId)) continue
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'kafka/fencing.test.ts',
      test: 'fencing who holds back a partition spares the living and other applications',
    },
  },
  {
    name: 'producers of other applications are fenced',
    file: 'src/kafka/fencing.ts',
    find: `    if (!transactionalId.startsWith(this.prefix)) return false
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'kafka/fencing.test.ts',
      test: 'fencing one producer never touches an id of another application, one with a longer name among them',
    },
  },
  {
    name: `the partitioner differs from Java's`,
    file: 'src/kafka/partitioner.ts',
    find: 'let h = 0x9747b28c ^ length',
    replace: 'let h = 0x9747b28c',
    killer: {
      project: 'unit',
      file: 'kafka/partitioner.test.ts',
      test: 'the partitioner hashes as the Java client does',
    },
  },
  {
    name: 'an answer is free with the first of its parts',
    file: 'src/kafka/fetch-queue.ts',
    find: '    if (--this.parts === 0) this.budget.release(this.bytes)',
    replace: '    if (--this.parts >= 0) this.budget.release(this.bytes)',
    killer: {
      project: 'unit',
      file: 'kafka/fetch-queue.test.ts',
      test: 'a queue of what was fetched counts an answer whole',
    },
  },
  {
    name: 'a partition that somebody waits for is not fetched when the budget is spent',
    file: 'src/kafka/fetcher.ts',
    find: 'alive.filter((queue) => queue.isAwaited).slice(0, this.slicesAtOnce)',
    replace: 'alive.slice(0, 0)',
    killer: { project: 'unit', file: 'kafka/fetcher.test.ts', test: 'a fetcher whose budget is spent still asks' },
  },
  {
    name: 'partitions do not take turns',
    file: 'src/kafka/fetcher.ts',
    find: `    this.queues.delete(key)
    this.queues.set(key, queue)
`,
    replace: `    this.queues.set(key, queue)
`,
    killer: {
      project: 'unit',
      file: 'kafka/fetcher.test.ts',
      test: 'a fetcher of partitions that have more than one answer holds asks first',
    },
  },
  {
    name: 'a member keeps all of its tasks',
    file: 'src/kafka/assignment.ts',
    find: 'slice(0, share(member))',
    replace: 'slice()',
    killer: { project: 'unit', file: 'kafka/assignment.test.ts', test: 'an assignment gives every task to one member' },
  },
]
