import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { noHeaders } from '../../../src/core/record.ts'
import { type OutputOwner, PartitionOutput, type SealedBatch } from '../../../src/kafka/partition-output.ts'
import type { TopicLimit } from '../../../src/kafka/topic-limits.ts'
import { RecordBatchWriter } from '../../../src/protocol/record-batch-writer.ts'
import { anyRecord, batchOf, type PlainRecord, recordsIn } from '../../support/record-batches.ts'
import { runs } from '../../support/seed.ts'

/** A producer that only keeps what it is handed. */
class Owner implements OutputOwner {
  readonly limit: TopicLimit
  readonly batches: SealedBatch[] = []
  readonly openings: PartitionOutput[] = []
  writersTaken = 0

  constructor(batchBytesMax = 1000, recordBytesMax = 1_048_588) {
    this.limit = { topic: 'words', setting: 'max.message.bytes', recordBytesMax, batchBytesMax }
  }

  takeWriter(): RecordBatchWriter {
    this.writersTaken++
    return new RecordBatchWriter(256)
  }

  sealed(batch: SealedBatch): void {
    this.batches.push(batch)
  }

  opened(output: PartitionOutput): void {
    this.openings.push(output)
  }

  /** The values of each batch that was handed over. */
  values(): (string | null)[][] {
    return this.batches.map(({ writer }) =>
      recordsIn(Buffer.from(writer.finish(null, 0, false))).map(({ value }) =>
        value === null ? null : Buffer.from(value).toString(),
      ),
    )
  }
}

/** A record in a form that `toEqual` compares by content. */
const hexOf = ({ key, value, timestamp, headers }: PlainRecord) => {
  const hex = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString('hex'))
  return [hex(key), hex(value), timestamp, headers.map(([name, own]) => [name, hex(own)])]
}

function outputOf(owner: Owner) {
  const output = new PartitionOutput(owner, owner.limit, 3)
  const append = (value: string | null) => output.append(null, value === null ? null : Buffer.from(value), 1, noHeaders)
  return { output, append }
}

describe('the output of a partition', () => {
  it('writes records into one batch, in order, and hands it over when it is cut', () => {
    const owner = new Owner()
    const { output, append } = outputOf(owner)
    for (const value of ['a', 'b', null]) append(value)
    expect(owner.batches).toEqual([])
    output.cut()
    expect(owner.values()).toEqual([['a', 'b', null]])
    expect(owner.batches[0]?.output).toBe(output)
  })

  it('seals a batch before a record that would not fit, and never splits or loses one', () => {
    const owner = new Owner(300)
    const { output, append } = outputOf(owner)
    const values = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(40).slice(0, 40))
    for (const value of values) append(value)
    output.cut()
    expect(owner.batches.length).toBeGreaterThan(2)
    expect(owner.values().flat()).toEqual(values)
    for (const { writer } of owner.batches) expect(writer.sizeBytes).toBeLessThanOrEqual(300)
  })

  it('gives a record that is larger than any batch a batch of its own, where the topic takes it', () => {
    const owner = new Owner(200)
    const { output, append } = outputOf(owner)
    const huge = 'x'.repeat(5000)
    for (const value of ['before', huge, 'behind']) append(value)
    output.cut()
    expect(owner.values()).toEqual([['before'], [huge], ['behind']])
  })

  it('never passes the limit of a batch but for a record alone, nor the limit of the topic at all', () => {
    fc.assert(
      fc.property(
        fc.array(anyRecord, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 62, max: 700 }),
        fc.integer({ min: 62, max: 700 }),
        (records, batchBytesMax, recordBytesMax) => {
          const owner = new Owner(Math.min(batchBytesMax, recordBytesMax), recordBytesMax)
          const { output } = outputOf(owner)
          const taken: PlainRecord[] = []
          for (const one of records) {
            const append = () => output.append(one.key, one.value, one.timestamp, one.headers)
            const judge = () => output.judge(one.key?.length ?? -1, one.value?.length ?? -1, one.headers)
            if (batchOf([one]).length <= recordBytesMax) {
              judge()
              append()
              taken.push(one)
              continue
            }
            const refused = expect.objectContaining({ code: 'RECORD_TOO_LARGE' })
            expect(judge).toThrow(refused)
            expect(append).toThrow(refused)
          }
          output.cut()
          const written = owner.batches.map(({ writer }) => recordsIn(Buffer.from(writer.finish(null, 0, false))))
          expect(written.flat().map(({ offset: _, ...one }) => hexOf(one))).toEqual(taken.map(hexOf))
          let seen = 0
          for (const [i, { writer }] of owner.batches.entries()) {
            expect(writer.sizeBytes).toBeLessThanOrEqual(
              writer.count === 1 ? recordBytesMax : owner.limit.batchBytesMax,
            )
            seen += writer.count
            // It was sealed for a reason: with the next record it would have been too large.
            const next = taken[seen]
            if (next === undefined) continue
            const joined = batchOf([...taken.slice(seen - writer.count, seen), next])
            expect(joined.length, `batch ${i}`).toBeGreaterThan(owner.limit.batchBytesMax)
          }
        },
      ),
      runs(300),
    )
  })

  it('says of a record that does not fit its topic how large it is, what the limit is, and what to do', () => {
    const { output, append } = outputOf(new Owner(300, 300))
    append('x'.repeat(300 - 70))
    expect(() => append('x'.repeat(301 - 70))).toThrow(
      'a record of 301 bytes as a batch of its own does not fit the topic words, whose max.message.bytes is 300; raise it and start again, or write smaller records',
    )
    expect(() => output.judge(-1, 301 - 70, noHeaders)).toThrow('301 bytes')
    expect(() => output.judge(-1, 300 - 70, noHeaders)).not.toThrow()
  })

  it('counts headers when it asks whether a record fits', () => {
    const owner = new Owner(300)
    const { output, append } = outputOf(owner)
    append('first')
    output.append(null, Buffer.from('second'), 1, [['trace', Buffer.alloc(250)]])
    output.cut()
    expect(owner.values()).toEqual([['first'], ['second']])
  })

  it('says that it was opened once between two cuts, however many batches that takes', () => {
    const owner = new Owner(200)
    const { output, append } = outputOf(owner)
    for (let i = 0; i < 10; i++) append('x'.repeat(60))
    expect(owner.batches.length).toBeGreaterThan(1)
    expect(owner.openings).toEqual([output])
    output.cut()
    append('next')
    expect(owner.openings).toEqual([output, output])
  })

  it('hands nothing over when nothing was written, nor a second time', () => {
    const owner = new Owner()
    const { output, append } = outputOf(owner)
    output.cut()
    expect([owner.batches.length, owner.writersTaken]).toEqual([0, 0])
    append('a')
    output.cut()
    output.cut()
    expect(owner.values()).toEqual([['a']])
  })

  it('copies keys and values: what the caller writes over afterwards is not what is sent', () => {
    const owner = new Owner()
    const { output } = outputOf(owner)
    const key = Buffer.from('key')
    const value = Buffer.from('value'.repeat(100))
    output.append(key, value, 7, noHeaders)
    output.appendRanges(key, 1, 2, value, 5, 5, 8, noHeaders)
    key.fill(0)
    value.fill(0)
    output.cut()
    const [batch] = owner.batches.map(({ writer }) => recordsIn(Buffer.from(writer.finish(null, 0, false))))
    const texts = batch?.map((one) => [String(one.key), String(one.value), one.timestamp])
    expect(texts).toEqual([
      ['key', 'value'.repeat(100), 7],
      ['ey', 'value', 8],
    ])
  })

  it('takes a length of -1 for null, in ranges too', () => {
    const owner = new Owner()
    const { output } = outputOf(owner)
    output.appendRanges(Buffer.from('k'), 0, 1, Buffer.from('k'), 0, -1, 1, noHeaders)
    output.appendRanges(Buffer.from('v'), 0, -1, Buffer.from('v'), 0, 1, 1, noHeaders)
    output.cut()
    const [batch] = owner.batches.map(({ writer }) => recordsIn(Buffer.from(writer.finish(null, 0, false))))
    expect(batch?.map(({ key, value }) => [key && String(key), value && String(value)])).toEqual([
      ['k', null],
      [null, 'v'],
    ])
  })

  it('numbers batches without a gap, and begins at 0 again behind 2^31 - 1', () => {
    const { output } = outputOf(new Owner())
    expect([output.takeSequence(3), output.takeSequence(1), output.takeSequence(5)]).toEqual([0, 3, 4])
    output.sequence = 0x7fffffff
    expect([output.takeSequence(1), output.takeSequence(2)]).toEqual([0x7fffffff, 0])
    output.sequence = 0x7ffffffe
    expect([output.takeSequence(5), output.takeSequence(1)]).toEqual([0x7ffffffe, 3])
  })

  it('forgets the open batch and all numbers for a new epoch, and gives the writer back to be used again', () => {
    const owner = new Owner()
    const { output, append } = outputOf(owner)
    append('given up')
    output.takeSequence(4)
    output.isInTransaction = true
    output.endOffset = 99
    expect(output.reset()).toBeInstanceOf(RecordBatchWriter)
    expect(output).toMatchObject({ sequence: 0, isInTransaction: false, endOffset: -1 })
    expect(output.reset()).toBeNull()
    output.cut()
    append('new')
    output.cut()
    expect(owner.values()).toEqual([['new']])
  })
})
