import type { PlantedBug } from '../planted-bug.ts'

export const topologyBugs: readonly PlantedBug[] = [
  {
    name: 'a keyed operator reads the old key',
    file: 'src/topology/graph.ts',
    find: `const behind = givesKeys(writer) && this.#keyed[to.id] ? factsOf(writer).repartition(writer) : null`,
    replace: `const behind = null as string | null`,
    killer: {
      project: 'unit',
      file: 'topology/plan-builder.test.ts',
      test: 'a plan repartitions only where the key changed before a keyed operator',
    },
  },
  {
    name: 'sources of one topic are two sub-topologies',
    file: 'src/topology/graph.ts',
    find: `    for (const node of this.nodes) if (isSource(node)) readsTopic(node.id, topicOf(node))
`,
    replace: ``,
    killer: {
      project: 'unit',
      file: 'topology/plan-builder.test.ts',
      test: 'a plan reads a topic in one sub-topology, however often it is streamed',
    },
  },
  {
    name: 'a sink shares its sub-topology',
    file: 'src/topology/graph.ts',
    find: `filter((from) => beside.has(from)).length === 1`,
    replace: `filter((from) => beside.has(from)).length > 0`,
    killer: {
      project: 'unit',
      file: 'topology/plan-builder.test.ts',
      test: 'a plan lets a sink connector read an untouched topic directly, if nothing else does',
    },
  },
  {
    name: 'values are left out of a repartition that somebody reads',
    file: 'src/topology/sub-topology.ts',
    find: `const isRead = edges.some(({ to })`,
    replace: `const isRead = edges.every(({ to })`,
    killer: {
      project: 'unit',
      file: 'topology/plan-builder.test.ts',
      test: 'a plan leaves values out of a repartition',
    },
  },
  {
    name: 'merged streams skip where one of them says so',
    file: 'src/topology/graph.ts',
    find: `node.inputs.every((id) => all[id] === 'skip')`,
    replace: `node.inputs.some((id) => all[id] === 'skip')`,
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
