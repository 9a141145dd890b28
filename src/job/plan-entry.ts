import { ChangelogReader } from '../checkpoint/changelog-reader.ts'
import { stateIncomplete } from '../checkpoint/commit-agreement.ts'
import type { PlanRow } from '../checkpoint/control-rows.ts'
import { ControlTopic } from '../checkpoint/control-topic.ts'
import type { LogAccess } from '../checkpoint/log-access.ts'
import { committedPlans } from '../checkpoint/start-positions.ts'
import { actionOf, messageOf, StreamError } from '../core/errors.ts'
import { partitionKey, type TopicPartition } from '../core/topic-partition.ts'
import type { TransactionalProducer } from '../kafka/transactional-producer.ts'
import { earliestTimestamp } from '../protocol/messages/list-offsets.ts'
import type { SubTopologyInputs } from '../runtime/bounded-end.ts'
import { isValueEmpty } from '../serde/presence.ts'
import { encodingConflicts, leftOut, type Manifest } from '../topology/manifest.ts'
import { internalTopics, type Plan } from '../topology/plan.ts'
import { topicName } from '../topology/topic-ref.ts'

/** What a process enters the application with. */
export interface PlanEntryParts {
  readonly app: LogAccess
  readonly plan: Plan
  readonly manifest: Manifest
  /** Every topic of the plan, with its number of partitions. */
  readonly partitions: ReadonlyMap<string, number>
  readonly subs: readonly SubTopologyInputs[]
  readonly freshStores: ReadonlySet<string>
  /** Topics in which records without a value that is needed may be passed over. */
  readonly passOver: ReadonlySet<string>
  readonly producer: TransactionalProducer
}

/** Whoever holds a transaction open in the control topic for longer is taken for dead: who is a member is not known yet. */
const patienceMs = 5000
/** After as many lost answers the next is an error like any other. */
const attemptsMax = 5
const retryPauseMs = 100
/** Hashes of earlier plans that are remembered. */
const earlierMax = 32

/**
 * Makes a plan the one that its application runs: compared with what ran before, given its version, written down.
 *
 * A plan that ran before under another version gets a new one: versions say in which order plans came.
 *
 * @throws {StreamError} `PLAN_CHANGED` naming every topic that the plan would misread; `TOPIC_MISMATCH` for an internal topic
 * that holds what nobody of this application is known to have written; `STATE_INCOMPLETE` for a store that comes back and
 * was missed by commits
 */
export async function enterPlan(parts: PlanEntryParts): Promise<ControlTopic> {
  const { app, producer, manifest } = parts
  const { steps, clock } = app.ports
  const control = new ControlTopic(app)
  for (let attempt = 1; ; attempt++) {
    try {
      // What this process left open when it was killed, or in the attempt before, would hold up the end of the control topic.
      await steps('A0.initProducerId', () => producer.init())
      await control.refresh(patienceMs)
      const entry = new PlanEntry(parts, control)
      await entry.checkForeign()
      const before = control.plan
      const next = await entry.next(before)
      if (next === null) return control
      await steps('A0.writePlan', () => control.write(producer, next, clock.now()))
      await control.refresh(patienceMs)
      // Another process may have written its plan meanwhile: the last word counts, and we look again.
      if (control.plan?.manifest.hash !== manifest.hash) continue
      entry.say(before, next)
      return control
    } catch (error) {
      // Nothing is open but this: what came of it is seen at the next look.
      if (actionOf(error) === 'fail' || attempt >= attemptsMax) throw error
      app.ports.logger.debug('the plan is entered once more', { reason: messageOf(error) })
      await clock.sleep(retryPauseMs, app.signal)
    }
  }
}

class PlanEntry {
  private readonly parts: PlanEntryParts
  private readonly control: ControlTopic

  constructor(parts: PlanEntryParts, control: ControlTopic) {
    this.parts = parts
    this.control = control
  }

  /** The row that makes the plan the newest; null where it is that already. */
  async next(before: PlanRow | null): Promise<PlanRow | null> {
    const { manifest, app } = this.parts
    const topicIds = this.topicIds()
    if (before !== null) {
      this.checkEncodings(before.manifest)
      for (const topic of leftOut(before.manifest, manifest)) await this.checkUnread(topic)
    }
    const isSame = before !== null && before.manifest.hash === manifest.hash
    if (isSame && Object.entries(topicIds).every(([name, id]) => before.topicIds[name] === id)) return null
    const version = isSame ? before.version : (before?.version ?? 0) + 1
    const stores = { ...before?.stores, ...Object.fromEntries(manifest.stores.map(({ name }) => [name, version])) }
    const fresh = { ...before?.fresh }
    for (const store of await this.missedBy(before, version)) fresh[store] = version
    return {
      v: 1,
      version,
      manifest,
      topicIds: { ...before?.topicIds, ...topicIds },
      stores,
      fresh,
      earlier: before === null || isSame ? (before?.earlier ?? []) : earlierOf(before),
      firstStartMs: before?.firstStartMs ?? app.ports.clock.now(),
    }
  }

  /** Says what is new, and what of the state stays behind. */
  say(before: PlanRow | null, next: PlanRow): void {
    if (before === null || before.version === next.version) return
    const { manifest, app } = this.parts
    const { logger } = app.ports
    const had = new Set(before.manifest.stores.map(({ name }) => name))
    const has = new Set(manifest.stores.map(({ name }) => name))
    logger.info(`${app.appId} runs another plan than before: version ${next.version}`)
    for (const store of has) {
      if (next.fresh[store] === next.version) logger.info(`the store ${store} begins anew, without what it had`)
      else if (before.stores[store] === undefined) {
        logger.info(`the store ${store} is new: it begins with what is read from now on`)
      }
    }
    for (const store of had) {
      if (!has.has(store))
        logger.info(`the store ${store} is no longer in the pipeline: its changelog and directory stay`)
    }
  }

  private checkEncodings(before: Manifest): void {
    const { manifest } = this.parts
    const conflicts = encodingConflicts(before, manifest)
    if (conflicts.length === 0) return
    throw new StreamError(
      'PLAN_CHANGED',
      `the pipeline ${manifest.pipeline} cannot read what ${manifest.appId} has written so far: ${conflicts.join('; ')}; go back to the earlier encoding, or give another application id (--app-id), which reads all inputs again`,
    )
  }

  /** Refuses a topic in which records wait that lack the value which the plan needs. */
  private async checkUnread(topic: string): Promise<void> {
    const { app, partitions, passOver, manifest } = this.parts
    if (passOver.has(topic)) return
    const all = partitionsOf(topic, partitions)
    const committed = await app.admin.committedOffsets(app.appId, all, true)
    const reader = new ChangelogReader(app)
    let unread = 0
    for (const at of all) {
      const found = committed.get(partitionKey(topic, at.partition))
      const from = found === undefined || found === 'unstable' ? await reader.startOffset(at) : found.offset
      await reader.readToEnd(at, from, async (records) => {
        for (const { value, headers } of records) if (value?.length === 0 && !isValueEmpty(headers)) unread++
      })
    }
    if (unread === 0) return
    throw new StreamError(
      'PLAN_CHANGED',
      `the topic ${topic} holds ${unread} records that nobody has read yet and that were written without their values, which ${manifest.pipeline} needs now; run the earlier version once more with --drain, which reads them to the end, or pass over them (--pass-over ${topic})`,
      { topic },
    )
  }

  private topicIds(): Readonly<Record<string, string>> {
    const { app, partitions } = this.parts
    return Object.fromEntries([...partitions.keys()].map((name) => [name, app.metadata.topic(name)?.topicId ?? '']))
  }

  /** An internal topic that the application is not known to have made is taken only while it is empty. */
  async checkForeign(): Promise<void> {
    const { app, plan, partitions } = this.parts
    const unlisted = internalTopics(plan)
      .map((ref) => topicName(app.appId, ref))
      .filter((name) => this.control.plan?.topicIds[name] === undefined)
    const all = unlisted.flatMap((topic) => partitionsOf(topic, partitions))
    if (all.length === 0) return
    const [starts, ends] = [await app.admin.offsets(all, earliestTimestamp), await app.admin.endOffsets(all, 'high')]
    const filled = [...ends].find(([key, end]) => end > (starts.get(key) ?? 0))
    if (filled === undefined) return
    // Whoever entered the same plan meanwhile has said so before writing.
    const known = this.control.plan?.version
    await this.control.refresh(patienceMs)
    if (this.control.plan?.version !== known) return this.checkForeign()
    throw new StreamError(
      'TOPIC_MISMATCH',
      `the topic ${filled[0]} holds records, and ${app.appId} is not known to have written them: it is another application's, or the topic ${app.appId}-control was deleted; give another application id (--app-id), or delete the topic`,
    )
  }

  /**
   * Stores of the plan that were in none of some versions before it, while commits of those versions took what they would
   * have been made of.
   * @returns those that the user lets begin anew
   */
  private async missedBy(before: PlanRow | null, version: number): Promise<readonly string[]> {
    const { app, subs, freshStores } = this.parts
    const anew: string[] = []
    for (const { sub } of subs) {
      for (const { name } of sub.kind === 'processing' ? sub.stores : []) {
        const last = before?.stores[name]
        if (last === undefined || last >= version - 1) continue
        const inputs = this.upstreamOf(sub.id)
        const committed = await committedPlans(app, inputs)
        const missed = inputs.find(({ topic, partition }) => {
          const plan = committed.get(partitionKey(topic, partition)) ?? 0
          return plan > last && plan < version
        })
        if (missed === undefined) continue
        const changelog = { topic: topicName(app.appId, { role: 'changelog', name }), partition: missed.partition }
        const finding = `is of a store that was left out of the pipeline from version ${last + 1} on, and ${missed.topic} was read meanwhile`
        if (!freshStores.has(name)) throw stateIncomplete(sub.name, changelog, finding, name)
        anew.push(name)
      }
    }
    return anew
  }

  /** All inputs that lead to a sub-topology, its own among them. */
  private upstreamOf(id: number): readonly TopicPartition[] {
    const { subs } = this.parts
    const reached = new Set([id])
    for (const { sub } of [...subs].reverse()) if (reached.has(sub.id)) for (const up of sub.upstream) reached.add(up)
    return subs.filter(({ sub }) => reached.has(sub.id)).flatMap(({ tasks }) => tasks.flat())
  }
}

function partitionsOf(topic: string, partitions: PlanEntryParts['partitions']): readonly TopicPartition[] {
  return Array.from({ length: partitions.get(topic) ?? 0 }, (_, partition) => ({ topic, partition }))
}

function earlierOf(before: PlanRow): PlanRow['earlier'] {
  const others = before.earlier.filter(([hash]) => hash !== before.manifest.hash)
  return [[before.manifest.hash, before.version] as const, ...others].slice(0, earlierMax)
}
