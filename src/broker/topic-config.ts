/** What a topic's setting holds; numbers are those of DescribeConfigs. */
const configType = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const

interface Setting {
  readonly type: keyof typeof configType
  readonly default: string
  readonly allowed?: readonly string[]
}

const longMax = '9223372036854775807'

/**
 * The settings of a topic with Kafka's defaults. All are kept and served; the broker acts on `cleanup.policy` (records
 * of compacted topics need keys), `max.message.bytes`, `message.timestamp.type` and `message.timestamp.after.max.ms`.
 */
const settings: Readonly<Record<string, Setting>> = {
  'cleanup.policy': { type: 'list', default: 'delete', allowed: ['delete', 'compact'] },
  'compression.type': {
    type: 'string',
    default: 'producer',
    allowed: ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'],
  },
  'delete.retention.ms': { type: 'long', default: '86400000' },
  'file.delete.delay.ms': { type: 'long', default: '60000' },
  'flush.messages': { type: 'long', default: longMax },
  'flush.ms': { type: 'long', default: longMax },
  'index.interval.bytes': { type: 'int', default: '4096' },
  'max.compaction.lag.ms': { type: 'long', default: longMax },
  'max.message.bytes': { type: 'int', default: '1048588' },
  'message.timestamp.after.max.ms': { type: 'long', default: '3600000' },
  'message.timestamp.before.max.ms': { type: 'long', default: longMax },
  'message.timestamp.type': { type: 'string', default: 'CreateTime', allowed: ['CreateTime', 'LogAppendTime'] },
  'min.cleanable.dirty.ratio': { type: 'double', default: '0.5' },
  'min.compaction.lag.ms': { type: 'long', default: '0' },
  'min.insync.replicas': { type: 'int', default: '1' },
  preallocate: { type: 'boolean', default: 'false', allowed: ['true', 'false'] },
  'retention.bytes': { type: 'long', default: '-1' },
  'retention.ms': { type: 'long', default: '604800000' },
  'segment.bytes': { type: 'int', default: '1073741824' },
  'segment.index.bytes': { type: 'int', default: '10485760' },
  'segment.jitter.ms': { type: 'long', default: '0' },
  'segment.ms': { type: 'long', default: '604800000' },
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
  const isNumber = setting.type === 'int' || setting.type === 'long' ? /^-?\d+$/ : /^-?\d+(\.\d+)?$/
  if (!setting.allowed && !isNumber.test(value)) {
    return `Invalid value ${value} for configuration ${name}: expected a number of type ${setting.type}`
  }
  return null
}

/** A topic's settings as the broker acts on them. */
export class TopicConfig {
  /** Settings given by users; the rest have defaults. */
  readonly given: ReadonlyMap<string, string>
  readonly maxMessageBytes: number
  readonly isCompacted: boolean
  readonly usesAppendTime: boolean
  /** How far, in milliseconds, a record may be ahead of the broker's clock. */
  readonly aheadMsMax: number

  constructor(given: ReadonlyMap<string, string>) {
    this.given = given
    this.maxMessageBytes = Number(this.get('max.message.bytes'))
    this.isCompacted = this.get('cleanup.policy').includes('compact')
    this.usesAppendTime = this.get('message.timestamp.type') === 'LogAppendTime'
    this.aheadMsMax = Number(this.get('message.timestamp.after.max.ms'))
  }

  /** The value of a setting, given or default. */
  get(name: string): string {
    return this.given.get(name) ?? defaultOf(name)
  }
}
