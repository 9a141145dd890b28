import type { PlantedBug } from '../planted-bug.ts'

/** In the format of rows, their generations, and scans over them. */
export const stateBugs2: readonly PlantedBug[] = [
  {
    name: 'a row of another format is read as if it were one of this',
    file: 'src/state/row-format.ts',
    find: 'if ((head & ~expires) !== rowFormat || row.length < length)',
    replace: 'if (row.length < length)',
    killer: { project: 'unit', file: 'state/row-format.test.ts', test: 'a row of a backend is refused by name' },
  },
  {
    name: 'a row that breaks off is a short value',
    file: 'src/state/row-format.ts',
    find: ' || row.length < length) throw',
    replace: ' || row.length < plainHeadBytes) throw',
    killer: { project: 'unit', file: 'state/row-format.test.ts', test: 'a row of a backend is refused by name' },
  },
  {
    name: 'a restore forgets when rows expire',
    file: 'src/checkpoint/changelog-reader.ts',
    find: 'const expiry = cursor.headerCount === 0 ? null : expiryIn(cursor.headers())',
    replace: 'const expiry = null',
    killer: {
      project: 'unit',
      file: 'checkpoint/task-store.test.ts',
      test: 'a task store that is opened has all of its rows again',
    },
  },
  {
    name: 'a row keeps the expiry of its last value',
    file: 'src/state/row-table.ts',
    find: '    this.expiries.set(row, expiry)\n',
    replace: '    if (expiry !== null) this.expiries.set(row, expiry)\n',
    killer: {
      project: 'unit',
      file: 'state/row-store.test.ts',
      test: 'the expiry of a row stays with it in memory',
    },
  },
  {
    name: 'an abort drops a generation that is known to be committed',
    file: 'src/state/row-store.ts',
    find: "assert(this.inFlight !== 'stored', ",
    replace: 'assert(true, ',
    killer: { project: 'unit', file: 'state/generations.test.ts', test: 'the generations of a store go from open' },
  },
  {
    name: 'a generation is cut while the one before is in flight',
    file: 'src/state/row-store.ts',
    find: "    this.expect('none', 'is cut')\n",
    replace: '',
    killer: { project: 'unit', file: 'state/generations.test.ts', test: 'the generations of a store go from open' },
  },
  {
    name: 'a reserved row is handed on as a row of a table',
    file: 'src/operators/aggregate.ts',
    find: '          if (bytes[keyAt] !== userPrefix) return\n',
    replace: '',
    killer: {
      project: 'unit',
      file: 'operators/aggregate.test.ts',
      test: 'an aggregate hands on no reserved row of its store',
    },
  },
  {
    name: 'an abort keeps reserved rows',
    file: 'src/state/row-store.ts',
    find: '    this.rows.reset()\n    this.reservedRows?.reset()\n',
    replace: '    this.rows.reset()\n',
    killer: { project: 'unit', file: 'state/row-store.test.ts', test: 'reserved rows go the way of the others' },
  },
]
