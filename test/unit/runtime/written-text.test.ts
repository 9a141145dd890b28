import fc from 'fast-check'
import { expect, test } from 'vitest'
import { noHeaders } from '../../../src/core/record.ts'
import { PartitionOutput } from '../../../src/kafka/partition-output.ts'
import { FlowRecord } from '../../../src/operators/flow-record.ts'
import { RecordBatchWriter } from '../../../src/protocol/record-batch-writer.ts'
import { RecordCollector } from '../../../src/runtime/record-collector.ts'
import { text } from '../../../src/serde/text.ts'
import { recordsIn } from '../../support/record-batches.ts'
import { runs } from '../../support/seed.ts'

/** What a collector writes of these texts into one partition, as values of one batch. */
function written(texts: readonly string[]): (Uint8Array | null)[] {
  const writer = new RecordBatchWriter(256)
  const limit = { topic: 'out', setting: 'max.message.bytes', recordBytesMax: 1 << 30, batchBytesMax: 1 << 30 } as const
  const owner = { takeWriter: () => writer, sealed: () => {}, opened: () => {} }
  const output = new PartitionOutput(owner, limit, 0)
  const topic = { topic: 'out', key: text, value: text }
  const { send } = new RecordCollector({ output: () => output }, () => 1).output(topic, 0, () => {})
  for (const one of texts) send(FlowRecord.of('key', one, 1, noHeaders))
  return recordsIn(writer.finish(null, 0, false)).map(({ value }) => value)
}

const hex = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'))
const asTheSerde = (one: string): string | null => hex(text.serialize(one))

test('text that user code made is written as its serde writes it, whatever is in it', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    // Halves of characters, which UTF-8 cannot hold.
    fc.array(fc.integer({ min: 0xd700, max: 0xe000 }), { maxLength: 50 }).map((codes) => String.fromCharCode(...codes)),
  )
  fc.assert(
    fc.property(fc.array(anyText, { maxLength: 20 }), (texts) => {
      expect(written(texts).map(hex)).toEqual(texts.map(asTheSerde))
    }),
    runs(200),
  )
})

test('text is written whole at every length, of characters of one byte and of three', () => {
  const lengths = [0, 1, 1364, 1365, 1366, 1367, 4095, 4096, 4097, 100_000]
  const texts = lengths.flatMap((length) => ['a'.repeat(length), '€'.repeat(length)])
  expect(written(texts).map(hex)).toEqual(texts.map(asTheSerde))
})
