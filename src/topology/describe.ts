import type { RepartitionReason } from './edge.ts'
import type { ErrorPolicies, NodeId, TopicSpec, TopologyNode } from './node.ts'
import { encodings, factsOf } from './node-kinds.ts'
import type { InputSpec, OutputSpec, Plan, ProcessingSubTopology, SubTopology } from './plan.ts'
import { topicName } from './topic-ref.ts'

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
  return [`sub-topology ${sub.id} ${sub.name}: ${sub.kind}${after}`, ...linesOf(sub, appId).map((line) => `  ${line}`)]
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
          (input) =>
            `${sourceIds(input)}reads ${describeInput(input, appId)}${arrow(
              ' -> ',
              input.edges.map(({ to }) => to),
            )}`,
        ),
        ...sub.nodes.map(
          (node) => `${node.id} ${factsOf(node).describe(node)}${arrow(' <- ', localInputs(node, sub))}`,
        ),
        ...sub.outputs.map(
          (output) => `writes ${describeOutput(output, appId)} <- ${output.from}${reasons[output.reason ?? 'none']}`,
        ),
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

function localInputs({ id }: TopologyNode, { edges }: ProcessingSubTopology): readonly NodeId[] {
  return edges.filter(({ to }) => to === id).map(({ from }) => from)
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

/** Why records take the way over a topic. */
const reasons: Readonly<Record<RepartitionReason | 'none', string>> = {
  none: '',
  'new key': ', since the key is new',
  'by split': ', since a connector gives records by its splits, not by their keys',
  'uneven inputs': ', since topics that are read together differ in their number of partitions',
  'as before': ', since records went through it before',
}

function describeErrors({ decode, process }: ErrorPolicies): string {
  const skipped = [
    ...(decode === 'skip' ? [', skips what does not decode'] : []),
    ...(process === 'skip' ? [', skips what fails'] : []),
  ]
  return skipped.join('')
}

function creationOf({ partitions, config }: TopicSpec): string {
  const settings = Object.entries(config ?? {}).map(([name, value]) => `, ${name}=${value}`)
  return `${partitions === undefined ? '' : `, ${partitions} partitions`}${settings.sort().join('')}`
}

function arrow(sign: string, ids: readonly NodeId[]): string {
  return ids.length === 0 ? '' : `${sign}${ids.join(', ')}`
}
