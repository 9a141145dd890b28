import type { SinkRecord, SinkWriter, TransactionalSinkWriter } from '../connector/sink.ts'
import { StreamError } from '../core/errors.ts'

/** Both kinds of sink writers, as a sink task uses them. */
export interface SinkPort {
  /** Where the sink itself says to go on; null when the group's offset holds. */
  readonly startOffset: number | null
  /** @param position behind the last of the records */
  write(records: readonly SinkRecord<unknown, unknown>[], position: number): Promise<void>
  flush(): Promise<void>
  close(): Promise<void>
}

/** A sink that is asked to flush before offsets are committed: at least once, or idempotent by the records' ids. */
export function bufferedSink(writer: SinkWriter<unknown, unknown>, signal: AbortSignal): SinkPort {
  return {
    startOffset: null,
    write: (records) => writer.write(records, signal),
    flush: () => writer.flush(signal),
    close: () => writer.close(),
  }
}

/** A sink that stores the offset with the rows: exactly once, and refused when another writer has moved it. */
export async function transactionalSink(writer: TransactionalSinkWriter<unknown, unknown>): Promise<SinkPort> {
  let stored = await writer.lastCommitted()
  return {
    startOffset: stored,
    async write(records, position) {
      if (!(await writer.commit(records, stored, position))) {
        throw new StreamError(
          'MEMBERSHIP_LOST',
          `the sink's offset is no longer ${stored}: another task has written to it; this one gives up and joins again`,
          { action: 'rejoin' },
        )
      }
      stored = position
    },
    flush: async () => undefined,
    close: () => writer.close(),
  }
}
