import type { PlantedBug } from '../planted-bug.ts'

export const stateBugs: readonly PlantedBug[] = [
  {
    name: 'a cache generation is dropped while its rows are being stored',
    file: 'src/state/key-value-store.ts',
    find: `      this.old = young
      this.young`,
    replace: `      this.old = new RowTable(this.options.hashSeed)
      this.young`,
    killer: {
      project: 'unit',
      file: 'state/generations.test.ts',
      test: 'rows of a commit that is not stored yet are read',
    },
  },
  {
    name: 'an abort keeps the rows of the open transaction',
    file: 'src/state/key-value-store.ts',
    find: `    this.young = new RowTable(this.options.hashSeed)
    this.old = this.young
    this.youngBytes = 0
    this.dirty = []`,
    replace: '    this.dirty = []',
    killer: {
      project: 'unit',
      file: 'state/key-value-store.test.ts',
      test: 'a key-value store holds what a map would hold, through commits, aborts and a cache too small for it',
    },
  },
  {
    name: 'a value that was changed in place is the cached one',
    file: 'src/state/key-value-store.ts',
    find: `    if (committed) young.values[row] = this.value.deserialize(committed)
`,
    replace: `    if (committed && young.values[row] === undefined) young.values[row] = this.value.deserialize(committed)
`,
    killer: { project: 'simulation', file: 'mutable-values.test.ts', test: 'a state that is changed in place' },
  },
  {
    name: 'a row that is changed twice is cut twice',
    file: 'src/state/key-value-store.ts',
    find: `    if (!young.mark(row)) return
`,
    replace: `    young.mark(row)
`,
    killer: {
      project: 'unit',
      file: 'state/generations.test.ts',
      test: 'rows of a commit that is not stored yet hold each row once',
    },
  },
  {
    name: 'a row keeps its mark over a cut',
    file: 'src/state/key-value-store.ts',
    find: `      young.unmark(row)
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'state/generations.test.ts',
      test: 'rows of a commit that is not stored yet hold each row once',
    },
  },
  {
    name: 'keys that share a hash are one',
    file: 'src/state/row-table.ts',
    find: '      while (same < length && keys[from + same] === key[start + same]) same++',
    replace: '      same = length',
    killer: { project: 'unit', file: 'state/generations.test.ts', test: 'a table of rows keeps keys apart' },
  },
  {
    name: 'a table that grows loses its rows',
    file: 'src/state/row-table.ts',
    find: `    for (let row = 0; row < this.values.length; row++) this.place(row)
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'state/row-table.test.ts',
      test: 'a table of rows keeps all of a row while it grows',
    },
  },
  {
    name: `a user's key meets a reserved row`,
    file: 'src/state/row-format.ts',
    find: 'export const userPrefix = 0x01',
    replace: 'export const userPrefix = 0x00',
    killer: { project: 'unit', file: 'state/generations.test.ts', test: 'the row of a user' },
  },
]
