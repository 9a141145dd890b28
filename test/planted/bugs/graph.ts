import type { PlantedBug } from '../planted-bug.ts'

export const graphBugs: readonly PlantedBug[] = [
  {
    name: 'what a connector gives is taken to be where its key is',
    file: 'src/topology/node-kinds.ts',
    find: `    // Partitions of an ingest topic go by the connector's splits.
    leaves: 'anywhere',`,
    replace: `    leaves: 'by-key',`,
    killer: {
      project: 'unit',
      file: 'topology/plan-builder.test.ts',
      test: 'a plan leads what a connector gives through a topic before each keyed operator',
    },
  },
  {
    name: 'what is behind a table is taken to be astray',
    file: 'src/topology/graph.ts',
    find: `placed.push(leaves === 'by-key' || (leaves === 'as-they-came' && came))`,
    replace: `placed.push(leaves === 'by-key' || (leaves === 'as-they-came' && came && node.kind !== 'aggregate'))`,
    killer: {
      project: 'unit',
      file: 'topology/plan-builder.test.ts',
      test: 'a plan leads through no second topic what is where its key is already',
    },
  },
  {
    name: 'topics that differ are read beside a store',
    file: 'src/topology/graph.ts',
    find: `  return new Set(counts.filter((count) => count !== undefined)).size > 1`,
    replace: `  return new Set(counts.filter((count) => count !== undefined)).size > 9`,
    killer: {
      project: 'unit',
      file: 'topology/plan-builder.test.ts',
      test: 'a plan keeps topics that differ apart from what has state',
    },
  },
  {
    name: 'a topic is left when the inputs are even again',
    file: 'src/topology/graph.ts',
    find: `return name !== null && !names.has(name) && hasRepartition(name)`,
    replace: `return name === null && !names.has('') && hasRepartition('')`,
    killer: {
      project: 'unit',
      file: 'topology/plan-builder.test.ts',
      test: 'a plan keeps topics that differ apart from what has state',
    },
  },
  {
    name: "a store takes a keyBy's topic for its own",
    file: 'src/topology/graph.ts',
    find: `name !== null && !names.has(name) && hasRepartition(name)`,
    replace: `name !== null && names.size >= 0 && hasRepartition(name)`,
    killer: {
      project: 'unit',
      file: 'topology/plan-builder.test.ts',
      test: 'a plan takes the topic of a keyBy for nobody else',
    },
  },
  {
    name: 'two write one repartition topic',
    file: 'src/topology/validate.ts',
    find: `    if (writer !== undefined && writer !== from) {`,
    replace: `    if (writer !== undefined && writer === -1) {`,
    killer: {
      project: 'unit',
      file: 'topology/plan-builder.test.ts',
      test: 'a plan refuses a keyBy and a store of one name',
    },
  },
  {
    name: 'an egress topic gets every change of a table',
    file: 'src/runtime/chain.ts',
    find: `return connect(operator, ports, fanOut(isTable ? every : [...every, ...outputs]))`,
    replace: `return connect(operator, ports, fanOut([...every, ...outputs]))`,
    killer: {
      project: 'unit',
      file: 'runtime/chain.test.ts',
      test: 'a chain hands every change of a table to its updates',
    },
  },
  {
    name: 'tables are cut last first',
    file: 'src/runtime/chain.ts',
    find: `    const operators = this.built.toReversed()
`,
    replace: `    const operators = [...this.built]
`,
    killer: { project: 'unit', file: 'runtime/chain.test.ts', test: 'a chain cuts a table before what it feeds' },
  },
  {
    name: 'who failed at a clock is not called again',
    file: 'src/runtime/due-times.ts',
    find: `      place.due = work?.time ?? Number.POSITIVE_INFINITY
`,
    replace: `      place.due = Number.POSITIVE_INFINITY
`,
    killer: {
      project: 'unit',
      file: 'runtime/due-times.test.ts',
      test: 'due times give the same again until it is done',
    },
  },
  {
    name: 'a clock is asked for the greatest of two times',
    file: 'src/runtime/due-times.ts',
    find: `        if (time < own.due) own.due = time
`,
    replace: `        own.due = time
`,
    killer: { project: 'unit', file: 'runtime/due-times.test.ts', test: 'due times keep the least of all times' },
  },
  {
    name: 'the last of a chain works first when a time has come',
    file: 'src/runtime/due-times.ts',
    find: `    this.places.unshift(own)`,
    replace: `    this.places.push(own)`,
    killer: {
      project: 'unit',
      file: 'runtime/due-times.test.ts',
      test: 'due times give all of who stands before another in the chain first',
    },
  },
  {
    name: 'a merge has as many tasks as its smaller topic has partitions',
    file: 'src/job/topic-setup.ts',
    find: '    const count = Math.max(...counts)',
    replace: '    const count = Math.min(...counts)',
    killer: {
      project: 'integration',
      file: 'engine-embedded.test.ts',
      test: 'one key, one row, on the embedded broker in its own process behind a keyBy of such a merge',
    },
  },
]
