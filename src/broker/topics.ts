import type { Random } from '../core/random.ts'
import type { OffsetsOutcome } from './groups/group-offsets.ts'
import type { LogSnapshot } from './log/log-snapshot.ts'
import { type LogEnvironment, PartitionLog } from './log/partition-log.ts'
import { type Facts, fact } from './storage/facts.ts'
import { TopicConfig } from './topic-config.ts'

/** A topic and the logs of its partitions, by number. */
export interface Topic {
  readonly name: string
  /** 32 hexadecimal digits. */
  readonly id: string
  config: TopicConfig
  readonly logs: PartitionLog[]
}

interface TopicFact {
  readonly id: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
}

interface LogFact {
  readonly startOffset: number
  readonly snapshot: LogSnapshot | null
}

/** Logs that are opened at once when the broker starts: reading overlaps with checking. */
const openingAtOnce = 4

/** @returns what is wrong with a topic's name, or null */
export function topicNameProblem(name: string): string | null {
  if (name === '') return 'the name must not be empty'
  if (name === '.' || name === '..') return `the name must not be '.' or '..'`
  if (name.length > 249) return 'the name must not be longer than 249 characters'
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return `the name '${name}' may hold only letters, digits, '.', '_' and '-'`
  return null
}

/** A topic's name as metrics have it. Kafka lets no two topics share one, so that they can be told apart there. */
const metricName = (name: string): string => name.replaceAll('.', '_')

/** All topics of a broker. Changes are one at a time, each on disk before it is seen. */
export class Topics {
  private readonly environment: LogEnvironment
  private readonly facts: Facts
  private readonly random: Random
  private readonly byName = new Map<string, Topic>()
  private readonly byMetricName = new Map<string, Topic>()
  private turn: Promise<unknown> = Promise.resolve()

  private constructor(environment: LogEnvironment, facts: Facts, random: Random) {
    this.environment = environment
    this.facts = facts
    this.random = random
  }

  /**
   * Opens every topic of the facts and removes logs that belong to none (their topic was deleted right before a crash).
   * @param cut told of a log whose torn end was cut off
   */
  static async open(
    environment: LogEnvironment,
    facts: Facts,
    random: Random,
    cut: (log: PartitionLog, bytes: number) => void,
  ): Promise<Topics> {
    const topics = new Topics(environment, facts, random)
    const logFacts = new Map(facts.take<LogFact>('log').map((entry) => [entry.names.join('/'), entry.value]))
    const pending: (() => Promise<void>)[] = []
    const owned = new Set<string>()
    for (const { names, value } of facts.take<TopicFact>('topic')) {
      const [name] = names as [string]
      const config = new TopicConfig(new Map(Object.entries(value.configs)))
      const topic: Topic = { name, id: value.id, config, logs: [] }
      topics.enter(topic)
      for (let partition = 0; partition < value.partitions; partition++) {
        const place = { topic: name, partition, name: `${value.id}/${partition}` }
        owned.add(place.name)
        pending.push(async () => {
          const known = logFacts.get(place.name)
          const opened = await PartitionLog.open(environment, place, known?.startOffset ?? 0, known?.snapshot ?? null)
          topic.logs[partition] = opened.log
          if (opened.bytesCut > 0) cut(opened.log, opened.bytesCut)
        })
      }
    }
    const worker = async (): Promise<void> => {
      for (let next = pending.pop(); next; next = pending.pop()) await next()
    }
    await Promise.all(Array.from({ length: openingAtOnce }, worker))
    for (const log of await environment.storage.logs()) if (!owned.has(log)) await environment.storage.removeLog(log)
    return topics
  }

  get(name: string): Topic | undefined {
    return this.byName.get(name)
  }

  byId(id: string): Topic | undefined {
    for (const topic of this.byName.values()) if (topic.id === id) return topic
    return undefined
  }

  all(): IterableIterator<Topic> {
    return this.byName.values()
  }

  /** The log of a partition, undefined where there is none. */
  log(topic: string, partition: number): PartitionLog | undefined {
    return this.byName.get(topic)?.logs[partition]
  }

  /** The topic whose name could not be told from this one in metrics, where `.` and `_` are the same. */
  collidingWith(name: string): Topic | undefined {
    const known = this.byMetricName.get(metricName(name))
    return known?.name === name ? undefined : known
  }

  /** Creates a topic; none of that name or one that collides with it may exist (then null is answered, nothing done). */
  create(name: string, partitions: number, configs: ReadonlyMap<string, string>): Promise<Topic | null> {
    return this.inTurn(async () => {
      if (this.byName.has(name) || this.collidingWith(name)) return null
      const id = this.random.uuid().replaceAll('-', '')
      const topic: Topic = { name, id, config: new TopicConfig(configs), logs: [] }
      topic.logs.push(...(await this.newLogs(topic, 0, partitions)))
      await this.facts.write([topicFact(topic)])
      this.enter(topic)
      return topic
    })
  }

  /** Raises the number of partitions. @returns whether the topic was still there */
  grow(topic: Topic, partitions: number): Promise<boolean> {
    return this.inTurn(async () => {
      if (!this.has(topic)) return false
      const added = await this.newLogs(topic, topic.logs.length, partitions)
      await this.facts.write([topicFact(topic, topic.logs.length + added.length)])
      topic.logs.push(...added)
      return true
    })
  }

  /** Replaces the settings that users gave. @returns whether the topic was still there */
  configure(topic: Topic, configs: ReadonlyMap<string, string>): Promise<boolean> {
    return this.inTurn(async () => {
      if (!this.has(topic)) return false
      const before = topic.config
      topic.config = new TopicConfig(configs)
      try {
        await this.facts.write([topicFact(topic)])
      } catch (error) {
        topic.config = before
        throw error
      }
      return true
    })
  }

  /**
   * Deletes a topic, its logs and what the facts hold of them.
   * @param dependent asked, once nobody can find the topic any more, for what else the facts hold because of it: all goes
   * in one batch, so that no crash leaves a part of it to a topic of the same name
   */
  delete(topic: Topic, dependent: () => OffsetsOutcome): Promise<void> {
    return this.inTurn(async () => {
      if (!this.has(topic)) return
      this.byName.delete(topic.name)
      if (this.byMetricName.get(metricName(topic.name)) === topic) this.byMetricName.delete(metricName(topic.name))
      const logFacts = topic.logs.map((log) => fact('log', [topic.id, log.partition], null))
      const others = dependent()
      await this.facts.write([fact('topic', [topic.name], null), ...logFacts, ...others.changes])
      others.apply()
      for (const log of topic.logs) {
        await log.close()
        await this.environment.storage.removeLog(log.name)
      }
    })
  }

  /** Moves a log's start to `offset`, at most its high watermark, and frees the files below it. */
  moveStart(topic: Topic, log: PartitionLog, offset: number): Promise<void> {
    return this.inTurn(async () => {
      if (offset <= log.startOffset || !this.has(topic)) return
      const snapshot = await log.prepareStart(offset)
      const known: LogFact = { startOffset: offset, snapshot: snapshot ?? log.storedSnapshot }
      await this.facts.write([fact('log', [topic.id, log.partition], known)])
      log.storedSnapshot = known.snapshot
      await log.moveStart(offset)
    })
  }

  async close(): Promise<void> {
    await this.turn.catch(() => {})
    for (const topic of this.byName.values()) for (const log of topic.logs) await log.close()
  }

  private enter(topic: Topic): void {
    this.byName.set(topic.name, topic)
    this.byMetricName.set(metricName(topic.name), topic)
  }

  /** Whether a topic was not deleted while a change to it waited for its turn. */
  private has(topic: Topic): boolean {
    return this.byName.get(topic.name) === topic
  }

  private async newLogs(topic: Topic, from: number, to: number): Promise<PartitionLog[]> {
    const logs: PartitionLog[] = []
    for (let partition = from; partition < to; partition++) {
      const place = { topic: topic.name, partition, name: `${topic.id}/${partition}` }
      logs.push((await PartitionLog.open(this.environment, place, 0, null)).log)
    }
    return logs
  }

  private inTurn<T>(effect: () => Promise<T>): Promise<T> {
    const done = this.turn.then(effect, effect)
    this.turn = done.catch(() => {})
    return done
  }
}

function topicFact(topic: Topic, partitions = topic.logs.length) {
  const value: TopicFact = { id: topic.id, partitions, configs: Object.fromEntries(topic.config.given) }
  return fact('topic', [topic.name], value)
}
