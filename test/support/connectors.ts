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

/** A sink that forgets what it gets. */
export function forgetfulSink(name: string): SinkConnector<unknown, unknown> {
  return {
    kind: 'sink-connector',
    name,
    guarantee: 'idempotent',
    open: async () => ({ write: async () => {}, flush: async () => {}, close: async () => {} }),
  }
}
