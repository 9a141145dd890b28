import type { PlantedBug } from '../planted-bug.ts'

export const runtimeBugs1: readonly PlantedBug[] = [
  {
    name: 'a commit does not wait for the record in hand',
    file: 'src/runtime/commit-cycle.ts',
    find: `    for (const task of tasks.running) while (task.pending) await patience.wait(task.pending)
`,
    replace: `    void patience
`,
    killer: { project: 'simulation', file: 'schedules.test.ts', test: 'pipe that waits in front of a count is exact' },
  },
  {
    name: 'the next cut does not wait for the stores of the last',
    file: 'src/runtime/commit-cycle.ts',
    find: 'Promise.all([this.lastKnown, begun.stored])',
    replace: 'Promise.all([this.lastKnown])',
    killer: {
      project: 'simulation',
      file: 'pipeline.test.ts',
      test: 'the transaction behind a cut is worked on while B4.writeStore',
    },
  },
  {
    name: 'tasks are kept by a member that comes back under another id',
    file: 'src/runtime/stream-thread.ts',
    find: `    if (member.identity.memberId !== memberId) await tasks.closeAll()
`,
    replace: `    void memberId
`,
    killer: { project: 'simulation', file: 'memberships.test.ts', test: 'a member that comes back under another id' },
  },
  {
    name: 'tasks stay open over a reset',
    file: 'src/runtime/stream-thread.ts',
    find: `    await this.commits.settle(error)
    await tasks.closeAll()
`,
    replace: `    await this.commits.settle(error)
`,
    killer: {
      project: 'simulation',
      file: 'aborts.test.ts',
      test: 'a user aggregate that changes its accumulator in place',
    },
  },
  {
    name: 'what a sleeper meets ends its thread',
    file: 'src/runtime/stream-thread.ts',
    find: `if (hasCode(error, 'PRODUCER_FENCED') || (action === 'fail' && !signal.aborted)) await member.verify()`,
    replace: `if (hasCode(error, 'PRODUCER_FENCED')) await member.verify()`,
    killer: {
      project: 'simulation',
      file: 'late-wakers.test.ts',
      test: 'a process that wakes up long after its session',
    },
  },
  {
    name: 'the positions row is ignored',
    file: 'src/runtime/task-inputs.ts',
    find: 'const offset = start?.offset ?? committed.offset',
    replace: 'const offset = committed.offset',
    killer: {
      project: 'simulation',
      file: 'memberships.test.ts',
      test: 'a task with state goes on where its state is',
    },
  },
  {
    name: 'a record that failed after an effect is passed over at once',
    file: 'src/runtime/units.ts',
    find: 'if (!unit.hasEffects) {',
    replace: 'if (!unit.hasEffects || this.context.hasEffects) {',
    killer: {
      project: 'unit',
      file: 'runtime/units.test.ts',
      test: 'a record that fails at once costs the transaction where it had one, and is left out of the replay',
    },
  },
  {
    name: 'a replay does not leave out the record that failed',
    file: 'src/runtime/units.ts',
    find: `    this.thread.leftOut.add(unit.name)
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'runtime/units.test.ts',
      test: 'a record that fails at once costs the transaction where it had one, and is left out of the replay',
    },
  },
  {
    name: 'trouble of the engine is taken for a bad record',
    file: 'src/runtime/units.ts',
    find: `    if (error instanceof StreamError && !error.code.startsWith('RECORD_')) throw error
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'runtime/units.test.ts',
      test: 'a record that fails at once is not blamed for the trouble of the engine',
    },
  },
  {
    name: 'a record that waits has no deadline',
    file: 'src/runtime/units.ts',
    find: 'thread.time.timer(thread.recordDeadlineMs, () => {',
    replace: 'thread.time.timer(Number.MAX_SAFE_INTEGER, () => {',
    killer: {
      project: 'unit',
      file: 'runtime/units.test.ts',
      test: 'a record that waits is given up at its deadline, and what it waits for is cancelled',
    },
  },
  {
    name: 'what else is under way goes on when a record fails',
    file: 'src/runtime/units.ts',
    find: `        cancelWaits(open.unit, open.waitsFor)
        this.context`,
    replace: `        this.context`,
    killer: {
      project: 'unit',
      file: 'runtime/units.test.ts',
      test: 'a record that waits is given up at its deadline, and what it waits for is cancelled',
    },
  },
  {
    name: 'aborted records are read',
    file: 'src/runtime/record-queue.ts',
    find: '} else if (this.aborted.isAborted(header, null) || header.count === 0) {',
    replace: '} else if (header.count === 0) {',
    killer: {
      project: 'unit',
      file: 'runtime/record-queue.test.ts',
      test: 'transactions in a record queue are left out when they were aborted, also between those of another producer',
    },
  },
  {
    name: 'records before the position are taken again',
    file: 'src/runtime/record-queue.ts',
    find: `          if (cursor.offset < this.position) continue
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'runtime/record-queue.test.ts',
      test: 'a record queue begins inside a batch, at its position',
    },
  },
  {
    name: 'a batch is not checked against its checksum',
    file: 'src/runtime/record-queue.ts',
    find: `      verifyChecksum(records, at, size)
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'runtime/record-queue.test.ts',
      test: 'the bytes of a record queue are refused where they were changed on the way',
    },
  },
  {
    name: 'the position stays before control batches',
    file: 'src/runtime/record-queue.ts',
    find: `readMarker(this.cursor.key()) : null)
        this.position = end`,
    replace: 'readMarker(this.cursor.key()) : null)',
    killer: {
      project: 'unit',
      file: 'runtime/record-queue.test.ts',
      test: 'transactions in a record queue are read when they are committed, the position passing their markers',
    },
  },
  {
    name: 'a task does not wait for an input that may have more',
    file: 'src/runtime/partition-group.ts',
    find: `        if (queue.mayHaveMore) return null
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'runtime/partition-group.test.ts',
      test: 'a group of inputs waits while an empty input may have more, and goes on when it turns out to have none',
    },
  },
  {
    name: 'the input with the greatest head comes first',
    file: 'src/runtime/partition-group.ts',
    find: '} else if (head.timestamp < lowest) {',
    replace: '} else if (chosen === null || head.timestamp > lowest) {',
    killer: {
      project: 'unit',
      file: 'runtime/partition-group.test.ts',
      test: 'a group of inputs takes the lowest head timestamp first',
    },
  },
  {
    name: 'of equal heads the last input comes first',
    file: 'src/runtime/partition-group.ts',
    find: '} else if (head.timestamp < lowest) {',
    replace: '} else if (head.timestamp <= lowest) {',
    killer: {
      project: 'unit',
      file: 'runtime/partition-group.test.ts',
      test: 'a group of inputs takes the first of its inputs where times are equal',
    },
  },
]
