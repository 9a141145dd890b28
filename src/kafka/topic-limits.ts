import { StreamError } from '../core/errors.ts'
import type { TopicPartition } from '../core/topic-partition.ts'
import type { Admin } from './admin.ts'

/** Larger batches of several records were no faster and held 30 MB more. */
const batchBytesDefault = 256 * 1024

/** The settings that limit a batch, with Kafka's defaults for a topic whose settings cannot be read. */
const settings = { 'max.message.bytes': 1_048_588, 'segment.bytes': 1_073_741_824 } as const

/** What one topic takes. Sizes are those of whole batches, header included, as a broker judges them. */
export interface TopicLimit {
  readonly topic: string
  /** The setting that says so. */
  readonly setting: keyof typeof settings
  /** A batch of one record has at most this many bytes. */
  readonly recordBytesMax: number
  /** A batch of several records has at most this many: 256 KiB or less. */
  readonly batchBytesMax: number
}

type KnownLimit = { -readonly [K in keyof TopicLimit]: TopicLimit[K] }

/** A batch that a broker has refused as too large. */
export interface RefusedBatch extends TopicPartition {
  readonly bytes: number
  readonly records: number
}

/**
 * What topics take: their settings as they were last read, at the start of a job and whenever a broker refuses a batch.
 *
 * A broker compares its limit with a batch as it is sent, compressed if it is, and once more where `compression.type` of
 * the topic makes it compress anew. A limit that was raised is used when the job is started again.
 */
export class TopicLimits {
  private readonly admin: Pick<Admin, 'topicConfigs'>
  private readonly batchBytes: number
  private readonly limits = new Map<string, KnownLimit>()

  /** @param batchBytes of a batch of several records, at the most */
  constructor(admin: Pick<Admin, 'topicConfigs'>, batchBytes: number = batchBytesDefault) {
    this.admin = admin
    this.batchBytes = batchBytes
  }

  /** The limit of a topic: one object for all outputs to it, which sees every change. */
  of(topic: string): TopicLimit {
    return this.known(topic)
  }

  private known(topic: string): KnownLimit {
    let limit = this.limits.get(topic)
    if (!limit) {
      const recordBytesMax = settings['max.message.bytes']
      const batchBytesMax = Math.min(this.batchBytes, recordBytesMax)
      limit = { topic, setting: 'max.message.bytes', recordBytesMax, batchBytesMax }
      this.limits.set(topic, limit)
    }
    return limit
  }

  /** Reads the settings of topics. */
  async read(topics: readonly string[]): Promise<void> {
    const configs = await this.admin.topicConfigs(topics)
    for (const topic of topics) {
      const limit = this.known(topic)
      const of = (setting: TopicLimit['setting']): number =>
        Number(configs.get(topic)?.get(setting) ?? settings[setting])
      limit.setting = of('segment.bytes') < of('max.message.bytes') ? 'segment.bytes' : 'max.message.bytes'
      limit.recordBytesMax = of(limit.setting)
      limit.batchBytesMax = Math.min(limit.batchBytesMax, limit.recordBytesMax)
    }
  }

  /**
   * Learns from a broker that has refused a batch: another limit from the settings; where they do not tell, half of the
   * batch, until it is one record. So a limit that is lowered while a job runs costs it a reset each time and never more.
   * @returns `RECORD_TOO_LARGE`: with the action `reset-task` where the work can be done again in smaller batches
   */
  async refused({ topic, partition, bytes, records }: RefusedBatch): Promise<StreamError> {
    const limit = this.known(topic)
    // What cannot be read now is found out by halves.
    const unread = await this.read([topic]).then(
      () => null,
      (error: unknown) => error,
    )
    const found = `a batch of ${bytes} bytes was refused by the topic ${topic}, whose ${limit.setting} is ${limit.recordBytesMax}`
    const context = { topic, partition, ...(unread === null ? {} : { cause: unread }) }
    if (bytes > limit.recordBytesMax) {
      const message = `${found} by now; what was not committed is done again in batches that fit`
      return new StreamError('RECORD_TOO_LARGE', message, { ...context, action: 'reset-task' })
    }
    if (records > 1) {
      limit.batchBytesMax = Math.floor(bytes / 2)
      const message = `${found}; what was not committed is done again in batches of at most ${limit.batchBytesMax} bytes`
      return new StreamError('RECORD_TOO_LARGE', message, { ...context, action: 'reset-task' })
    }
    const message = `${found}, although it is one record; look for what makes it larger there, such as compression.type, and raise max.message.bytes, or write smaller records`
    return new StreamError('RECORD_TOO_LARGE', message, context)
  }
}
