import type { PlantedBug } from '../planted-bug.ts'

export const operatorsBugs: readonly PlantedBug[] = [
  {
    name: 'a null key is counted',
    file: 'src/operators/aggregate.ts',
    find: `    if (record.hasNullKey) return context.dropped('null key', record)
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'operators/aggregate.test.ts',
      test: 'an aggregate passes over null keys and null values without an effect, counts them and says so once',
    },
  },
  {
    name: 'a null value is counted',
    file: 'src/operators/aggregate.ts',
    find: `    if (record.hasNullValue) return context.dropped('null value', record)
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'operators/aggregate.test.ts',
      test: 'an aggregate passes over null keys and null values without an effect, counts them and says so once',
    },
  },
  {
    name: `a row's time is that of its last record`,
    file: 'src/operators/aggregate.ts',
    find: 'Math.max(rows.timestampAt(row), record.timestamp)',
    replace: 'record.timestamp',
    killer: {
      project: 'unit',
      file: 'operators/aggregate.test.ts',
      test: 'an aggregate gives a row the greatest time of its records',
    },
  },
  {
    name: `a state is the record's own value`,
    file: 'src/operators/aggregate.ts',
    find: `      if (next === value && next !== null) next = rows.copyOf(next)
`,
    replace: '',
    killer: { project: 'simulation', file: 'mutable-values.test.ts', test: 'a state that is changed in place' },
  },
  {
    name: 'a write is no effect',
    file: 'src/operators/aggregate.ts',
    find: `    context.effect()
    // A row that was deleted`,
    replace: '    // A row that was deleted',
    killer: {
      project: 'unit',
      file: 'operators/aggregate.test.ts',
      test: 'the effect of a record on an aggregate counts each write',
    },
  },
  {
    name: 'records of one input pass each other in a pipe',
    file: 'src/operators/pipe.ts',
    find: `      if (behind !== null) {
        behind.push(first)
        return
      }
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'operators/pipe.test.ts',
      test: 'a pipe whose Observable does not complete at once keeps to its own record when it tries again later, and to their order, where one record became several',
    },
  },
  {
    name: 'a fan-out leaves its last reader out',
    file: 'src/operators/emit.ts',
    find: 'for (let i = 0; i < steps.length; i++) steps[i]?.(record)',
    replace: 'for (let i = 0; i < steps.length - 1; i++) steps[i]?.(record)',
    killer: {
      project: 'unit',
      file: 'operators/step-subscriber.test.ts',
      test: 'a fan-out hands each record to all, in their order, before it takes the next',
    },
  },
  {
    name: 'the key of a new record is the old one',
    file: 'src/operators/stateless.ts',
    find: 'next(record.withKey(fn(record.value, record.key)))',
    replace: 'next(record.withKey(record.key ?? fn(record.value, record.key)))',
    killer: {
      project: 'unit',
      file: 'operators/stateless.test.ts',
      test: 'stateless verbs in one give each record the key that a keyBy computes, and keep the rest',
    },
  },
  {
    name: 'a pipe hands on before its Observable completes',
    file: 'src/operators/pipe.ts',
    find: `            await subscriber.settled()
`,
    replace: `            await Promise.resolve()
`,
    killer: {
      project: 'unit',
      file: 'operators/pipe.test.ts',
      test: 'a pipe whose Observable does not complete at once keeps to its own record',
    },
  },
  {
    name: 'a record behind the one that waits is left out',
    file: 'src/operators/pipe.ts',
    find: `          const next = queue.shift()
`,
    replace: `          const next = queue.slice(queue.length).shift()
`,
    killer: {
      project: 'unit',
      file: 'operators/pipe.test.ts',
      test: 'a pipe whose Observable does not complete at once takes a record as often',
    },
  },
]
