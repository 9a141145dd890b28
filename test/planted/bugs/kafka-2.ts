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
]
