/** What a topic's setting holds; numbers are those of DescribeConfigs. */
const configType = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const

interface Setting {
  readonly type: keyof typeof configType
  readonly default: string
  readonly allowed?: readonly string[]
  /** The least value of a number; the least of its type where there is none. */
  readonly min?: number
  /** The greatest value of a number; the greatest of its type where there is none. */
  readonly max?: number
}

const intMax = 2n ** 31n - 1n
const longMax = 2n ** 63n - 1n

/**
 * The settings of a topic with the defaults and limits of Kafka 4.1. All are kept and served; the broker acts on
 * `cleanup.policy` (records of compacted topics need keys), `max.message.bytes`, `segment.bytes` (as a limit of batches),
 * `message.timestamp.type` and `message.timestamp.after.max.ms`. Batches stay as they were sent: `compression.type` is kept
 * and does nothing.
 */
const settings: Readonly<Record<string, Setting>> = {
  'cleanup.policy': { type: 'list', default: 'delete', allowed: ['delete', 'compact'] },
  'compression.type': {
    type: 'string',
    default: 'producer',
    allowed: ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'],
  },
  'delete.retention.ms': { type: 'long', default: '86400000', min: 0 },
  'file.delete.delay.ms': { type: 'long', default: '60000', min: 0 },
  'flush.messages': { type: 'long', default: String(longMax), min: 1 },
  'flush.ms': { type: 'long', default: String(longMax), min: 0 },
  'index.interval.bytes': { type: 'int', default: '4096', min: 0 },
  'max.compaction.lag.ms': { type: 'long', default: String(longMax), min: 1 },
  'max.message.bytes': { type: 'int', default: '1048588', min: 0 },
  'message.timestamp.after.max.ms': { type: 'long', default: '3600000', min: 0 },
  'message.timestamp.before.max.ms': { type: 'long', default: String(longMax), min: 0 },
  'message.timestamp.type': { type: 'string', default: 'CreateTime', allowed: ['CreateTime', 'LogAppendTime'] },
  'min.cleanable.dirty.ratio': { type: 'double', default: '0.5', min: 0, max: 1 },
  'min.compaction.lag.ms': { type: 'long', default: '0', min: 0 },
  'min.insync.replicas': { type: 'int', default: '1', min: 1 },
  preallocate: { type: 'boolean', default: 'false', allowed: ['true', 'false'] },
  'retention.bytes': { type: 'long', default: '-1' },
  'retention.ms': { type: 'long', default: '604800000', min: -1 },
  'segment.bytes': { type: 'int', default: '1073741824', min: 1_048_576 },
  'segment.index.bytes': { type: 'int', default: '10485760', min: 4 },
  'segment.jitter.ms': { type: 'long', default: '0', min: 0 },
  'segment.ms': { type: 'long', default: '604800000', min: 1 },
  'unclean.leader.election.enable': { type: 'boolean', default: 'false', allowed: ['true', 'false'] },
}

/** Names of all settings, in order. */
export const topicSettingNames: readonly string[] = Object.keys(settings)

/** The default of a setting. */
export function defaultOf(name: string): string {
  return settings[name]?.default ?? ''
}

/** The number of a setting's type in DescribeConfigs. */
export function typeNumberOf(name: string): number {
  return configType[settings[name]?.type ?? 'string']
}

/** Whether values of this setting are lists, which can be appended to and subtracted from. */
export function isListSetting(name: string): boolean {
  return settings[name]?.type === 'list'
}

/** @returns what is wrong with a setting, or null when it may be kept */
export function settingProblem(name: string, value: string): string | null {
  const setting = settings[name]
  if (!setting || !Object.hasOwn(settings, name)) return `Unknown topic config name: ${name}`
  const items = setting.type === 'list' ? value.split(',').filter((item) => item !== '') : [value]
  if (setting.allowed && !items.every((item) => setting.allowed?.includes(item.trim()))) {
    return `Invalid value ${value} for configuration ${name}: expected ${setting.allowed.join(', ')}`
  }
  return setting.allowed ? null : numberProblem(name, value, setting)
}

function numberProblem(name: string, value: string, { type, min, max }: Setting): string | null {
  const invalid = `Invalid value ${value} for configuration ${name}`
  const form = type === 'double' ? /^-?\d+(\.\d+)?$/ : /^-?\d+$/
  if (!form.test(value)) return `${invalid}: expected a number of type ${type}`
  const number = type === 'double' ? Number(value) : BigInt(value)
  const typeMax = type === 'int' ? intMax : longMax
  const least = min ?? -typeMax - 1n
  const greatest = max ?? typeMax
  if (number < least) return `${invalid}: Value must be at least ${least}`
  if (number > greatest) return `${invalid}: Value must be no more than ${greatest}`
  return null
}

/** A topic's settings as the broker acts on them. */
export class TopicConfig {
  /** Settings given by users; the rest have defaults. */
  readonly given: ReadonlyMap<string, string>
  readonly maxMessageBytes: number
  /** A batch may not be larger: here, as in Kafka, it is in one segment. */
  readonly segmentBytes: number
  readonly isCompacted: boolean
  readonly usesAppendTime: boolean
  /** How far, in milliseconds, a record may be ahead of the broker's clock. */
  readonly aheadMsMax: number

  constructor(given: ReadonlyMap<string, string>) {
    this.given = given
    this.maxMessageBytes = Number(this.get('max.message.bytes'))
    this.segmentBytes = Number(this.get('segment.bytes'))
    this.isCompacted = this.get('cleanup.policy').includes('compact')
    this.usesAppendTime = this.get('message.timestamp.type') === 'LogAppendTime'
    this.aheadMsMax = Number(this.get('message.timestamp.after.max.ms'))
  }

  /** The value of a setting, given or default. */
  get(name: string): string {
    return this.given.get(name) ?? defaultOf(name)
  }
}
