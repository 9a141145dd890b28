import type { SinkConnector, SinkRecord } from '../connector/sink.ts'
import { StreamError } from '../core/errors.ts'
import type { ConnectorCalls } from './connector-calls.ts'

/** Both kinds of sink writers, as a sink task uses them. */
export interface SinkPort {
  /** Where the sink itself says to go on; null when the group's offset holds. */
  readonly startOffset: number | null
  /** @param position behind the last of the records */
  write(records: readonly SinkRecord<unknown, unknown>[], position: number): Promise<void>
  flush(): Promise<void>
  close(): Promise<void>
}

type Kind<G> = Extract<SinkConnector<unknown, unknown>, { readonly guarantee: G }>

/** Opens the writer of a partition. */
export function openSink(
  connector: SinkConnector<unknown, unknown>,
  partition: number,
  calls: ConnectorCalls,
): Promise<SinkPort> {
  return connector.guarantee === 'transactional'
    ? transactionalSink(connector, partition, calls)
    : bufferedSink(connector, partition, calls)
}

/** A sink that is asked to flush before offsets are committed: at least once, or idempotent by the records' ids. */
async function bufferedSink(
  connector: Exclude<SinkConnector<unknown, unknown>, Kind<'transactional'>>,
  partition: number,
  calls: ConnectorCalls,
): Promise<SinkPort> {
  const writer = await calls.open(() => connector.open(partition, calls.context))
  return {
    startOffset: null,
    write: (records) => calls.make('write', () => writer.write(records, calls.signal)),
    flush: () => calls.make('flush', () => writer.flush(calls.signal)),
    close: () => calls.close(writer),
  }
}

/** A sink that stores the offset with the rows: exactly once, and refused when another writer has moved it. */
async function transactionalSink(
  connector: Kind<'transactional'>,
  partition: number,
  calls: ConnectorCalls,
): Promise<SinkPort> {
  const writer = await calls.open(() => connector.open(partition, calls.context))
  const close = (): Promise<void> => calls.close(writer)
  let stored: number | null
  try {
    stored = await calls.begin('lastCommitted', () => writer.lastCommitted())
  } catch (error) {
    await close()
    throw error
  }
  return {
    startOffset: stored,
    async write(records, position) {
      if (!(await calls.make('commit', () => writer.commit(records, stored, position)))) {
        throw new StreamError(
          'MEMBERSHIP_LOST',
          `the sink's offset is no longer ${stored}: another task has written to it; this one gives up and joins again`,
          { action: 'rejoin' },
        )
      }
      stored = position
    },
    flush: async () => undefined,
    close,
  }
}
