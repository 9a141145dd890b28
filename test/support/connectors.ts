import { nothing, type Serde, text } from 'millrace'
import type { SinkConnector, SourceConnector } from 'millrace/connector'

/** A source of lines that has none: for plans, which never open it. */
export function emptySource(name: string, partitions?: number): SourceConnector<null, string> {
  return keyedSource(name, nothing, partitions)
}

/** A source without records whose keys have this encoding. */
export function keyedSource<K>(name: string, key: Serde<K>, partitions?: number): SourceConnector<K, string> {
  return {
    kind: 'source-connector',
    name,
    key,
    value: text,
    replay: 'exact',
    ...(partitions === undefined ? {} : { partitions }),
    splits: async () => [],
    open: async () => ({ read: async () => ({ records: [], next: null, done: true }), close: async () => {} }),
  }
}

/** A source of `count` values of `bytes` bytes in each partition, their times a millisecond apart. */
export function filledSource(
  name: string,
  shape: { readonly partitions: number; readonly count: number; readonly bytes: number },
): SourceConnector<string, string> {
  const { partitions, count, bytes } = shape
  const value = Buffer.alloc(bytes, 'v')
  return {
    ...keyedSource(name, text, partitions),
    splits: async () => Array.from({ length: partitions }, (_, index) => ({ id: String(index).padStart(3, '0') })),
    open: async (_split, from) => {
      let at = typeof from === 'number' ? from : 0
      const read = async (max: number) => {
        const records = Array.from({ length: Math.min(max, count - at) }, (_, index) => ({
          key: null,
          value,
          timestamp: at + index,
        }))
        at += records.length
        return { records, next: at, ...(at === count ? { done: true } : {}) }
      }
      return { read, close: async () => {} }
    },
  }
}

/** A sink that forgets what it gets. */
export function forgetfulSink(name: string): SinkConnector<unknown, unknown> {
  return {
    kind: 'sink-connector',
    name,
    guarantee: 'idempotent',
    open: async () => ({ write: async () => {}, flush: async () => {}, close: async () => {} }),
  }
}
