import type { AppContext } from '../checkpoint/app-context.ts'
import { decodeOffsetMetadata } from '../checkpoint/offset-metadata.ts'
import { formatTaskId } from '../core/task-id.ts'
import { partitionKey, type TopicPartition } from '../core/topic-partition.ts'
import type { SubTopology } from '../topology/plan.ts'
import { fixEnds, tokenOf } from './input-end.ts'
import type { Task } from './task.ts'

type CommittedOffsets = Awaited<ReturnType<AppContext['admin']['committedOffsets']>>

/** A sub-topology with the inputs of each of its tasks, by partition. */
export interface SubTopologyInputs {
  readonly sub: SubTopology
  readonly tasks: readonly (readonly TopicPartition[])[]
}

/**
 * Finds out when a bounded job has done all there is (X18), for all tasks of the application, wherever they run.
 *
 * Sub-topologies are judged upstream first, by the tokens in their committed offsets. A task that runs here and has
 * reached its end is told so, and the next commit says it; only then does it count.
 */
export class BoundedEnd {
  private readonly app: AppContext
  private readonly subs: readonly SubTopologyInputs[]
  private readonly outsideTopics: ReadonlySet<string>
  private readonly drains: boolean

  /** @param drains whether nothing is taken of outside topics: they are at their ends wherever they are */
  constructor(app: AppContext, subs: readonly SubTopologyInputs[], drains = false) {
    this.app = app
    this.subs = subs
    this.drains = drains
    const inputs = subs.flatMap(({ sub }) =>
      sub.kind === 'source' ? [] : sub.kind === 'sink' ? [sub.input] : sub.inputs,
    )
    this.outsideTopics = new Set(inputs.flatMap(({ topic }) => (topic.role === 'external' ? [topic.name] : [])))
  }

  /**
   * Called while every task here is idle and nothing is uncommitted.
   * @returns whether every task of the application has ended
   */
  async check(own: ReadonlyMap<string, Task>): Promise<boolean> {
    const inputs = this.subs.flatMap(({ tasks }) => tasks.flat())
    const committed = await this.app.admin.committedOffsets(this.app.appId, inputs, true)
    const tokens = new Map<number, readonly string[]>()
    for (const { sub, tasks } of this.subs) {
      const upstream = sub.upstream.map((id) => tokens.get(id))
      if (upstream.some((known) => known === undefined)) return false
      const from = upstream.flatMap((known) => known ?? [])
      const ended: string[] = []
      for (const [partition, at] of tasks.entries()) {
        const said = at.map(({ topic, partition: p }) => {
          const found = committed.get(partitionKey(topic, p))
          return found === undefined || found === 'unstable'
            ? null
            : (decodeOffsetMetadata(found.metadata)?.ended ?? null)
        })
        const token = said.every((one) => one === said[0]) ? (said[0] ?? null) : null
        const task = own.get(formatTaskId({ subtopology: sub.name, partition }))
        const expected = task ? await task.endToken(from) : this.expectedOf(sub, at, from, token)
        // What another process said in an earlier run counts as long as its inputs have not grown since.
        if (!task && token !== null && !(await this.isAtEnd(at, committed))) return false
        if (task && expected !== null && expected !== task.ended) task.markEnded(expected)
        if (expected !== null && expected === token) ended.push(token)
      }
      if (ended.length < tasks.length) return false
      // All tasks of a source end by the round of its dealer, the task of partition 0; one in an older round is not done.
      if (sub.kind === 'source' && new Set(ended).size > 1) return false
      tokens.set(sub.id, ended)
    }
    return true
  }

  /** Whether a task elsewhere is at the ends of its outside topics, which are fixed here at the first look. */
  private async isAtEnd(at: readonly TopicPartition[], committed: CommittedOffsets): Promise<boolean> {
    if (this.drains) return true
    const { inputEnds } = this.app
    const outside = at.filter(({ topic }) => this.outsideTopics.has(topic))
    await fixEnds(this.app, outside)
    return outside.every(({ topic, partition }) => {
      const key = partitionKey(topic, partition)
      const found = committed.get(key)
      return found !== undefined && found !== 'unstable' && found.offset >= (inputEnds.get(key) ?? 0)
    })
  }

  /** What a task elsewhere must say: known where its token follows from its upstream alone, else taken as it is. */
  private expectedOf(
    sub: SubTopology,
    at: readonly TopicPartition[],
    upstream: readonly string[],
    said: string | null,
  ): string | null {
    const isDerived = sub.kind !== 'source' && !at.some(({ topic }) => this.outsideTopics.has(topic))
    return isDerived ? tokenOf([...new Set(upstream)].sort()) : said
  }
}
