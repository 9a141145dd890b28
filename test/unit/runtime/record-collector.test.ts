import { describe, expect, it } from 'vitest'
import { noHeaders } from '../../../src/core/record.ts'
import { int64, json, nullable, structured, text } from '../../../src/index.ts'
import { type OutputOwner, PartitionOutput } from '../../../src/kafka/partition-output.ts'
import { FlowRecord } from '../../../src/operators/flow-record.ts'
import { RecordBatchWriter } from '../../../src/protocol/record-batch-writer.ts'
import { RecordCollector } from '../../../src/runtime/record-collector.ts'
import { nothing } from '../../../src/serde/nullable.ts'
import { presence } from '../../../src/serde/presence.ts'
import type { AnySerde } from '../../../src/serde/serde.ts'
import { recordsIn } from '../../support/record-batches.ts'

/** A collector over partitions that are kept here, and what was written to each, as texts. */
function open(partitions = 1) {
  const batches: { partition: number; writer: RecordBatchWriter }[] = []
  const owner: OutputOwner = {
    takeWriter: () => new RecordBatchWriter(256),
    sealed: ({ writer, output }) => void batches.push({ writer, partition: output.partition }),
    opened: () => undefined,
  }
  const limit = { topic: 'out', setting: 'max.message.bytes', recordBytesMax: 1e6, batchBytesMax: 1e6 } as const
  const outputs = Array.from({ length: partitions }, (_, partition) => new PartitionOutput(owner, limit, partition))
  const collector = new RecordCollector({ output: (_, at) => outputs[at] as PartitionOutput }, () => partitions)
  let writes = 0
  const outputOf = (value: AnySerde, key: AnySerde = text, task = 0) =>
    collector.output({ topic: 'out', key, value }, task, () => void writes++)
  const written = () => {
    for (const output of outputs) output.cut()
    const shown = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString())
    return batches.flatMap(({ partition, writer }) =>
      recordsIn(Buffer.from(writer.finish(null, 0, false))).map(({ key, value }) => [
        partition,
        shown(key),
        shown(value),
      ]),
    )
  }
  return { outputOf, written, writes: () => writes }
}

/** A record as it comes from a topic; null is what has no bytes there. */
function read(key: string | null, value: string | null, serde: AnySerde = text): FlowRecord {
  const [keyBytes, valueBytes] = [Buffer.from(key ?? ''), Buffer.from(value ?? '')]
  const buffer = Buffer.concat([keyBytes, valueBytes])
  const length = (bytes: Buffer, given: string | null) => (given === null ? -1 : bytes.length)
  const [k, v] = [length(keyBytes, key), length(valueBytes, value)]
  return FlowRecord.raw(buffer, 0, k, text, keyBytes.length, v, serde, 1, noHeaders)
}

describe('a record without a value', () => {
  it.each([
    ['text', text],
    ['int64', int64],
    ['json', json<{}>()],
    ['structured', structured<{}>()],
    ['nullable', nullable(text)],
    ['presence', presence],
  ] as readonly (readonly [string, AnySerde])[])('stays one in a topic of %s', (_, serde) => {
    const { outputOf, written } = open()
    const output = outputOf(serde)
    output.send(read('a', null))
    output.send(FlowRecord.of('b', 1, 1).withoutValueAt(2))
    expect(written()).toEqual([
      [0, 'a', null],
      [0, 'b', null],
    ])
  })
})

describe('null that user code made', () => {
  const made = FlowRecord.of('a', null, 1)

  it.each([
    ['nullable(text)', nullable(text)],
    ['nullable(structured)', nullable(structured<{}>())],
    ['nothing', nothing],
    ['presence, where nobody looks at values', presence],
  ] as readonly (readonly [string, AnySerde])[])('is a record without a value in a topic of %s', (_, serde) => {
    const { outputOf, written } = open()
    outputOf(serde).send(made)
    expect(written()).toEqual([[0, 'a', null]])
  })

  it.each([
    ['text', text],
    ['int64', int64],
  ] as readonly (readonly [string, AnySerde])[])('is refused by %s before anything is written', (id, serde) => {
    const { outputOf, written, writes } = open()
    expect(() => outputOf(serde).send(made)).toThrow(
      expect.objectContaining({
        code: 'RECORD_SERIALIZATION',
        message: expect.stringMatching(new RegExp(`the topic out .* as ${id}: .*found null.*nullable\\(${id}\\)`)),
      }),
    )
    expect({ written: written(), writes: writes() }).toEqual({ written: [], writes: 0 })
  })

  it('is a value of its own in an encoding that has one for it', () => {
    const { outputOf, written } = open()
    outputOf(structured<{}>()).send(made)
    outputOf(json<{}>()).send(made)
    expect(written()).toEqual([
      [0, 'a', 'null'],
      [0, 'a', 'null'],
    ])
  })

  it('is a record without a value also where it was read as such a value', () => {
    const { outputOf, written } = open()
    const output = outputOf(nullable(text))
    output.send(read('a', 'null', structured<{}>()))
    expect(written()).toEqual([[0, 'a', null]])
  })
})

describe('undefined', () => {
  it('is never written', () => {
    const { outputOf, written } = open()
    for (const serde of [text, structured<{}>(), nullable(text)] as readonly AnySerde[]) {
      expect(() => outputOf(serde).send(FlowRecord.of('a', undefined, 1))).toThrow(/undefined is no value/)
    }
    expect(written()).toEqual([])
  })
})

describe('a null key', () => {
  it('goes to the partition of the task that writes, so that a replay writes it there again', () => {
    const { outputOf, written } = open(3)
    const output = outputOf(text, text, 2)
    output.send(read(null, 'read'))
    output.send(FlowRecord.of(null, 'made', 1))
    expect(written()).toEqual([
      [2, null, 'read'],
      [2, null, 'made'],
    ])
  })
})
