import type { ErrorPolicies, NodeId, TopicSpec, TopologyNode } from './node.ts'
import { type InputSpec, type OutputSpec, type Plan, type SubTopology, topicName } from './plan.ts'

/**
 * A plan as text for people, the same for the same plan. Encodings stand behind names as `(key, value)`, and an arrow
 * leads from what hands records over.
 *
 * @param appId the application id that internal topics are named by; default: the pipeline's name
 */
export function describePlan(plan: Plan, appId: string = plan.name): string {
  const sections = [
    [`pipeline ${plan.name}`],
    ...plan.subtopologies.map((sub) => describeSubTopology(sub, appId)),
    [...plan.written.map((topic) => `creates where missing: topic ${topic.name}${creationOf(topic)}`)],
    [...plan.queryables].map(([name, store]) => `queryable: ${name} = store ${store.name}`),
  ]
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`
}

function describeSubTopology(sub: SubTopology, appId: string): readonly string[] {
  const after = sub.upstream.length === 0 ? '' : `, behind ${sub.upstream.join(', ')}`
  return [`sub-topology ${sub.id}: ${sub.kind}${after}`, ...linesOf(sub, appId).map((line) => `  ${line}`)]
}

function linesOf(sub: SubTopology, appId: string): readonly string[] {
  switch (sub.kind) {
    case 'source': {
      const { name } = sub.source
      return [
        `reads source connector ${name}`,
        `keeps positions, changelog ${topicName(appId, { role: 'positions', name })}`,
        `writes topic ${topicName(appId, { role: 'ingest', name })} ${encodings(sub.source)}, ${sub.source.partitions} partitions`,
      ]
    }
    case 'processing':
      return [
        ...sub.inputs.map(
          (input) => `${sourceIds(input)}reads ${describeInput(input, appId)}${arrow(' -> ', input.targets)}`,
        ),
        ...sub.nodes.map((node) => `${node.id} ${describeNode(node)}${arrow(' <- ', localInputs(node, sub))}`),
        ...sub.outputs.map((output) => `writes ${describeOutput(output, appId)} <- ${output.from}`),
        ...sub.stores.map(
          (store) =>
            `keeps store ${store.name} ${encodings(store)}, changelog ${topicName(appId, { role: 'changelog', name: store.name })}`,
        ),
      ]
    case 'sink':
      return [
        `reads ${describeInput(sub.input, appId)}`,
        `writes sink connector ${sub.sink.name}, ${sub.sink.guarantee}`,
      ]
  }
}

function localInputs(node: TopologyNode, sub: { readonly nodes: readonly TopologyNode[] }): readonly NodeId[] {
  const here = new Set(sub.nodes.map(({ id }) => id))
  return node.inputs.filter((id) => here.has(id))
}

function describeInput(input: InputSpec, appId: string): string {
  const time = input.timestamp === undefined ? '' : ', event time from the value'
  const until = input.until === undefined ? '' : ', until its end'
  return `topic ${topicName(appId, input.topic)} ${encodings(input)}${until}${time}${describeErrors(input.errors)}`
}

function sourceIds({ sources }: InputSpec): string {
  return sources.length === 0 ? '' : `${sources.join(', ')} `
}

function describeOutput(output: OutputSpec, appId: string): string {
  return `topic ${topicName(appId, output.topic)} ${encodings(output)}`
}

function describeErrors({ decode, process }: ErrorPolicies): string {
  const skipped = [
    ...(decode === 'skip' ? [', skips what does not decode'] : []),
    ...(process === 'skip' ? [', skips what fails'] : []),
  ]
  return skipped.join('')
}

function describeNode(node: TopologyNode): string {
  switch (node.kind) {
    case 'aggregate':
      return `${node.operation} in store ${node.store.name}`
    case 'key-by':
      return `key-by ${node.name} ${encodings(node)}`
    case 'pipe':
      return `pipe of ${node.operators.length}, one record at a time: a task waits while its operators do`
    case 'topic-sink':
      return `to topic ${node.topic.name} ${encodings(node.topic)}`
    default:
      return node.kind
  }
}

function creationOf({ partitions, config }: TopicSpec): string {
  const settings = Object.entries(config ?? {}).map(([name, value]) => `, ${name}=${value}`)
  return `${partitions === undefined ? '' : `, ${partitions} partitions`}${settings.sort().join('')}`
}

function encodings({ key, value }: Pick<TopicSpec, 'key' | 'value'>): string {
  return `(${key.id}, ${value.id})`
}

function arrow(sign: string, ids: readonly NodeId[]): string {
  return ids.length === 0 ? '' : `${sign}${ids.join(', ')}`
}
