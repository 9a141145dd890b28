import type { PlantedBug } from '../planted-bug.ts'

export const unitsBugs: readonly PlantedBug[] = [
  {
    name: 'a record is part of what it closes',
    file: 'src/runtime/agenda.ts',
    find: `    if (time > clock.streamTime) clock.streamTime = time
    return clock.streamTime < chain.dueMs ? null : chain.advance(clock.streamTime)
`,
    replace: `    const before = clock.streamTime
    if (time > before) clock.streamTime = time
    return before < chain.dueMs ? null : chain.advance(before)
`,
    killer: {
      project: 'unit',
      file: 'runtime/agenda.test.ts',
      test: 'what a task works on next is what a record’s time makes due, and then the record',
    },
  },
  {
    name: 'what came later takes the turn of a record that moved time',
    file: 'src/runtime/agenda.ts',
    find: `      this.chosen = chosen
`,
    replace: ``,
    killer: {
      project: 'unit',
      file: 'runtime/agenda.test.ts',
      test: 'what a task works on next stays the record that moved time',
    },
  },
  {
    name: 'new input leaves an end as it was',
    file: 'src/runtime/agenda.ts',
    find: `      this.chosen = chosen
      end.takeBack()
`,
    replace: `      this.chosen = chosen
`,
    killer: { project: 'unit', file: 'runtime/agenda.test.ts', test: 'what a task works on next takes the end back' },
  },
  {
    name: 'an end is handed on again after a restart',
    file: 'src/runtime/task-end.ts',
    find: `    this.toCommit = committed
`,
    replace: `    this.toCommit = null
`,
    killer: {
      project: 'simulation',
      file: 'units.test.ts',
      test: 'work by stream time and at the end is not done again when a job finds that it has ended',
    },
  },
  {
    name: 'an end is committed before what was kept back is handed on',
    file: 'src/runtime/task-end.ts',
    find: `    if (this.toCommit === null) this.flushing = token
    else this.toCommit = token
`,
    replace: `    this.toCommit = token
`,
    killer: {
      project: 'simulation',
      file: 'units.test.ts',
      test: 'work by stream time and at the end is done once, in its order',
    },
  },
  {
    name: 'effects count for whichever unit was begun last',
    file: 'src/runtime/task-context.ts',
    find: `    this.unit = unit
    try`,
    replace: `    try`,
    killer: {
      project: 'unit',
      file: 'runtime/units.test.ts',
      test: 'units of which several wait are all given up when one costs the transaction',
    },
  },
  {
    name: 'what was given up has effects',
    file: 'src/runtime/task-context.ts',
    find: `      if (unit.isOver) throw new StreamError('ILLEGAL_STATE', \`a unit of task \${this.taskName} was given up\`)
`,
    replace: ``,
    killer: {
      project: 'unit',
      file: 'runtime/units.test.ts',
      test: 'units of which several wait have no effects once they failed at once',
    },
  },
  {
    name: 'a commit waits only for what holds up the task',
    file: 'src/runtime/units.ts',
    find: `    if (this.open.size === 0) this.settlePending()
`,
    replace: `    if (!this.isHeld) this.settlePending()
`,
    killer: {
      project: 'unit',
      file: 'runtime/units.test.ts',
      test: 'units of which several wait hold their task up only if one of them says so, and a commit until all are through',
    },
  },
  {
    name: 'a replay does again what an operator failed at',
    file: 'src/runtime/units.ts',
    find: `    unit.beginOwn(own)
    if (this.leavesOut(unit)) return
`,
    replace: `    unit.beginOwn(own)
`,
    killer: {
      project: 'unit',
      file: 'runtime/units.test.ts',
      test: 'what an operator does by itself costs the transaction where it had one, and a replay strikes it off',
    },
  },
  {
    name: 'random numbers go on from unit to unit',
    file: 'src/runtime/unit.ts',
    find: `    this.wallMs = unread
    this.drawn = null
`,
    replace: `    this.wallMs = unread
`,
    killer: {
      project: 'unit',
      file: 'runtime/unit.test.ts',
      test: 'a unit draws the same numbers when it is done again',
    },
  },
  {
    name: 'a clock that was set back is believed',
    file: 'src/runtime/task-clock.ts',
    find: `    this.wallTime = Math.max(this.wallTime, this.clock.now())
`,
    replace: `    this.wallTime = this.clock.now()
`,
    killer: {
      project: 'unit',
      file: 'runtime/task-clock.test.ts',
      test: 'the clock of a task stands still where the machine’s goes back',
    },
  },
  {
    name: 'a changelog lacks the clock row',
    file: 'src/checkpoint/task-store.ts',
    find: `    if (clock !== null) output.append(clockKey, encodeClock(clock), now, noHeaders)
`,
    replace: ``,
    killer: { project: 'unit', file: 'checkpoint/task-stores.test.ts', test: 'the stores of a task show one commit' },
  },
  {
    name: 'a thread sleeps over what its tasks do by themselves',
    file: 'src/runtime/stream-thread.ts',
    find: 'this.commits.purged(), endCheck, ...wakes)',
    replace: 'this.commits.purged(), endCheck)',
    killer: {
      project: 'simulation',
      file: 'units.test.ts',
      test: 'work by the wall clock wakes a task that nothing comes to',
    },
  },
]
