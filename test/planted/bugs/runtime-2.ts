import type { PlantedBug } from '../planted-bug.ts'

export const runtimeBugs2: readonly PlantedBug[] = [
  {
    name: 'a closed task still has effects',
    file: 'src/runtime/task-context.ts',
    find: `    if (this.isClosed) throw new StreamError('ILLEGAL_STATE', \`task \${this.taskName} is closed\`)
`,
    replace: '',
    killer: { project: 'unit', file: 'runtime/task-context.test.ts', test: 'the context of a task refuses effects' },
  },
  {
    name: `a sink's offset is committed before its flush`,
    file: 'src/runtime/sink-task.ts',
    find: `    await this.port?.flush()
`,
    replace: '',
    killer: { project: 'simulation', file: 'schedules.test.ts', test: 're-keyed topic into sinks is exact' },
  },
  {
    name: 'a source commits a position before its records',
    file: 'src/runtime/source-task.ts',
    find: '      for (const { key, value, timestamp, headers } of taken.records) {',
    replace: '      for (const { key, value, timestamp, headers } of taken.records.slice(1)) {',
    killer: { project: 'simulation', file: 'aborts.test.ts', test: 'a task goes on identically' },
  },
  {
    name: 'splits are dealt by every task',
    file: 'src/runtime/split-log.ts',
    find: `    return this.own.partition === 0
`,
    replace: `    return true
`,
    killer: {
      project: 'unit',
      file: 'runtime/split-log.test.ts',
      test: 'a split log deals splits round robin in order of id, whatever order they were found in',
    },
  },
  {
    name: 'a choice of a split moves',
    file: 'src/runtime/split-log.ts',
    find: `      if (this.choices.has(id)) continue
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'runtime/split-pump.test.ts',
      test: 'a split pump resumes where the last commit left it',
    },
  },
  {
    name: 'the end of an input is where it is now, not where it was at the start',
    file: 'src/runtime/input-end.ts',
    find: 'const open = outside.filter(({ topic, partition }) => !inputEnds.has(partitionKey(topic, partition)))',
    replace: 'const open = outside',
    killer: {
      project: 'unit',
      file: 'runtime/input-end.test.ts',
      test: 'the end of inputs of an outside topic is where it was when its task was first opened: what comes later is another run’s',
    },
  },
  {
    name: 'a job ends while a transaction upstream is open',
    file: 'src/runtime/input-end.ts',
    find: 'if (at.position !== stable.get(key) || at.position !== high.get(key)) return null',
    replace: 'if (at.position !== stable.get(key)) return null',
    killer: {
      project: 'unit',
      file: 'runtime/input-end.test.ts',
      test: 'the end of inputs does not come while a transaction is open in an inside topic',
    },
  },
  {
    name: 'a node is built anew for each record',
    file: 'src/runtime/chain.ts',
    find: `      if (!fusedNodes.has(node.id)) this.entries.set(node.id, this.entriesOf(node))
`,
    replace: `      if (!fusedNodes.has(node.id))
        this.entries.set(node.id, [0, 1].map((port) => (record) => this.entriesOf(node)[port]?.(record)))
`,
    killer: { project: 'simulation', file: 'diamonds.test.ts', test: 'two topics in front of a table' },
  },
  {
    name: 'a connector that opens late is left open',
    file: 'src/runtime/connector-calls.ts',
    find: `          else late(result)
`,
    replace: '',
    killer: {
      project: 'simulation',
      file: 'deaf-connectors.test.ts',
      test: 'a connector that ignores its signal holds no stop up: ',
    },
  },
  {
    name: 'a connector that ignores its signal is waited for without end',
    file: 'src/runtime/connector-calls.ts',
    find: '      if (leftMs <= 0 || !(await within(clock, leftMs, idle))) break',
    replace: `      if (leftMs <= 0) break
      await idle`,
    killer: {
      project: 'simulation',
      file: 'deaf-connectors.test.ts',
      test: 'a connector that ignores its signal holds no stop up: ',
    },
  },
  {
    name: 'the same producer goes on after a reset',
    file: 'src/runtime/stream-thread.ts',
    find: `    const { tasks } = this.parts
    await this.initProducer()
    if (tasks.assignment)`,
    replace: `    const { tasks } = this.parts
    if (tasks.assignment)`,
    killer: {
      project: 'simulation',
      file: 'aborts.test.ts',
      test: 'a user aggregate that changes its accumulator in place',
    },
  },
  {
    name: 'purging deletes what is not taken yet',
    file: 'src/runtime/partition-group.ts',
    find: 'positions.push([queue.key, queue.position])',
    replace: 'positions.push([queue.key, queue.position + 1])',
    killer: { project: 'unit', file: 'runtime/partition-group.test.ts', test: 'what was taken of a group is counted' },
  },
]
