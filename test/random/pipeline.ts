import { type Pipeline, pipeline, type Topic, topic } from '../../src/index.ts'
import type { Analysis } from './analysis.ts'
import type { Case, CaseNode, CaseSource, NodeKind } from './case.ts'
import { caseSource, type SinkMemory } from './connectors.ts'
import type { Handle, Parts } from './handle.ts'
import { nodeTable } from './node-table.ts'
import { serdeOf } from './serdes.ts'

/** The application id. */
export const appId = 'random'

/** The pipeline of a case: the same each time, but for where its sinks keep what they get. */
export function pipelineOf(
  given: Case,
  analysis: Analysis,
  sinks: ReadonlyMap<string, SinkMemory>,
  phase: () => number,
): Pipeline {
  const topics = new Map<string, Topic<unknown, unknown>>()
  for (const [name, { key, value, holdsNull = false }] of Object.entries(given.topics)) {
    topics.set(name, topic(name, { key: serdeOf(key), value: serdeOf(value, holdsNull) }))
  }
  const sources = new Map(
    Object.entries(given.connectors).map(([name, connector]) => [name, caseSource(name, connector, phase)]),
  )
  return pipeline(appId, ({ stream }) => {
    const handles: (Handle | null)[] = []
    for (const [place, node] of given.nodes.entries()) {
      const parts: Parts = {
        stream: stream as unknown as Parts['stream'],
        topic: (name) => found(topics, name),
        source: (name) => found(sources, name),
        sink: (one) => found(sinks, one.sink).connector(one),
        options: (name, kind) =>
          found(new Map<string, CaseSource>(Object.entries(kind === 'topic' ? given.topics : given.connectors)), name),
        facts: analysis.fact(place),
        inputFacts: analysis.fact(node.inputs[0] ?? place),
      }
      const inputs = node.inputs.map((input) => handles[input] as Handle)
      handles.push(build(node, inputs, parts))
    }
  }) as Pipeline
}

function found<T>(of: ReadonlyMap<string, T>, name: string): T {
  const one = of.get(name)
  if (one === undefined) throw new Error(`the case has no ${name}`)
  return one
}

function build<K extends NodeKind>(
  node: Extract<CaseNode, { kind: K }>,
  inputs: readonly Handle[],
  parts: Parts,
): Handle | null {
  return nodeTable[node.kind as K].build(node as never, inputs, parts)
}
