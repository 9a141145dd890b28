import type { SinkConnector, SinkRecord } from '../../src/connector/sink.ts'
import type { SourceConnector } from '../../src/connector/source.ts'
import type { CaseConnector, CaseNode } from './case.ts'
import { caseHeaders, wireHeaders } from './headers.ts'
import { bytesOf, poisonOf, serdeOf } from './serdes.ts'

const recordsPerRead = 7

/** A source whose splits hold the records of all phases up to the one that runs. */
export function caseSource(
  name: string,
  { key, value, holdsNull = false, partitions, splits }: CaseConnector,
  phase: () => number,
): SourceConnector<unknown, unknown, number> {
  return {
    kind: 'source-connector',
    name,
    key: serdeOf(key),
    value: serdeOf(value, holdsNull),
    partitions,
    replay: 'exact',
    splits: async () => Object.keys(splits).map((id) => ({ id })),
    open: async (split, from, { clock }) => {
      let position = from ?? 0
      return {
        async read(recordsMax) {
          await clock.sleep(1)
          const there = (splits[split.id] ?? []).filter((record) => record.phase <= phase())
          const taken = there.slice(position, position + Math.min(recordsMax, recordsPerRead))
          position += taken.length
          const records = taken.map((record) => ({
            key: bytesOf(key, record.key),
            value: record.isPoison ? poisonOf(value) : bytesOf(value, record.value),
            timestamp: record.timestamp,
            headers: wireHeaders(record.headers),
          }))
          return { records, next: position, done: position === there.length }
        },
        close: async () => undefined,
      }
    },
  }
}

/** What a sink outside Kafka has been given: it outlives every process. */
export class SinkMemory {
  /** By id; what is written again must be the same. */
  readonly records = new Map<string, SinkRecord<unknown, unknown>>()
  /** What was not as its guarantee says. */
  readonly wrongs: string[] = []
  private readonly offsets = new Map<number, number>()

  /** Takes a record; a replay brings identical ones. */
  private add(record: SinkRecord<unknown, unknown>, mayRepeat: boolean): void {
    const { id } = record
    const before = this.records.get(id)
    if (before !== undefined && !mayRepeat) this.wrongs.push(`${id} was committed twice`)
    if (before !== undefined && plain(before) !== plain(record)) {
      this.wrongs.push(`${id} was ${plain(before)} and then ${plain(record)}`)
    }
    this.records.set(id, record)
  }

  connector({ sink, guarantee }: CaseNode & { kind: 'connector-sink' }): SinkConnector<unknown, unknown> {
    const base = { kind: 'sink-connector', name: sink } as const
    if (guarantee === 'transactional') {
      return {
        ...base,
        guarantee,
        open: async (partition) => ({
          lastCommitted: async () => this.offsets.get(partition) ?? null,
          commit: async (records, expected, next) => {
            if ((this.offsets.get(partition) ?? null) !== expected) return false
            for (const record of records) this.add(record, false)
            this.offsets.set(partition, next)
            return true
          },
          close: async () => undefined,
        }),
      }
    }
    return {
      ...base,
      guarantee,
      open: async () => ({
        write: async (records) => {
          for (const record of records) this.add(record, true)
        },
        flush: async () => undefined,
        close: async () => undefined,
      }),
    }
  }
}

const plain = ({ key, value, timestamp, headers }: SinkRecord<unknown, unknown>): string =>
  JSON.stringify([key, value, timestamp, caseHeaders(headers)])
