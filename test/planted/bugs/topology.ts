import type { PlantedBug } from '../planted-bug.ts'

export const topologyBugs: readonly PlantedBug[] = [
  {
    name: 'a keyed operator reads the old key',
    file: 'src/topology/sub-topology.ts',
    find: `return to.kind === 'connector-sink' || (from.kind === 'key-by' && this.#keyed[to.id] === true)`,
    replace: `return to.kind === 'connector-sink'`,
    killer: {
      project: 'unit',
      file: 'topology/plan-builder.test.ts',
      test: 'a plan repartitions only where the key changed before a keyed operator',
    },
  },
  {
    name: 'sources of one topic are two sub-topologies',
    file: 'src/topology/sub-topology.ts',
    find: `      for (const source of this.sourcesBeside(node)) unite(source, node)
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'topology/plan-builder.test.ts',
      test: 'a plan reads a topic in one sub-topology, however often it is streamed',
    },
  },
  {
    name: 'a sink shares its sub-topology',
    file: 'src/topology/sub-topology.ts',
    find: `    return readers.length === 1 && readers[0] === sink
`,
    replace: `    return readers.includes(sink)
`,
    killer: {
      project: 'unit',
      file: 'topology/plan-builder.test.ts',
      test: 'a plan lets a sink connector read an untouched topic directly, if nothing else does',
    },
  },
  {
    name: 'values are left out of a repartition that somebody reads',
    file: 'src/topology/sub-topology.ts',
    find: `readers.every((reader) => reader.kind === 'aggregate' && reader.operation === 'count')`,
    replace: `readers.some((reader) => reader.kind === 'aggregate' && reader.operation === 'count')`,
    killer: {
      project: 'unit',
      file: 'topology/plan-builder.test.ts',
      test: 'a plan leaves values out of a repartition',
    },
  },
  {
    name: 'merged streams skip where one of them says so',
    file: 'src/topology/sub-topology.ts',
    find: `node.inputs.every((id) => policies[id] === 'skip')`,
    replace: `node.inputs.some((id) => policies[id] === 'skip')`,
    killer: {
      project: 'unit',
      file: 'topology/plan-builder.test.ts',
      test: 'a plan fails on a record of merged streams where one of them says so',
    },
  },
  {
    name: 'a circle is planned',
    file: 'src/topology/plan-builder.ts',
    find: `    if (next < 0) refuseCycle(pipeline, waiting)
    const [draft] = waiting.splice(next, 1)`,
    replace: `    if (next < 0) void refuseCycle
    const [draft] = waiting.splice(Math.max(0, next), 1)`,
    killer: {
      project: 'unit',
      file: 'topology/validate.test.ts',
      test: 'a plan is refused when records would go round in a circle',
    },
  },
]
