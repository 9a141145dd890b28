import { int64, nullable, type PipelineBuilder, pipeline, text, topic } from 'millrace'
import { describe, expect, it } from 'vitest'
import { noHeaders } from '../../../src/core/record.ts'
import { FlowRecord } from '../../../src/operators/flow-record.ts'
import { type OperatorTable, operatorTable } from '../../../src/operators/operator-table.ts'
import { buildChain } from '../../../src/runtime/chain.ts'
import type { InputSpec, ProcessingSubTopology } from '../../../src/topology/plan.ts'
import { ChainContext } from '../../support/chain-context.ts'
import { withClocked } from '../../support/clocked-operator.ts'
import { forgetfulSink } from '../../support/connectors.ts'

const left = topic('left', { key: text, value: text })
const right = topic('right', { key: text, value: text })
const counts = topic('counts', { key: text, value: int64 })
const out = topic('out', { key: text, value: text })
const log = topic('log', { key: text, value: text })

/** A record as it comes from a topic of texts. */
function record(key: string, value: string): FlowRecord {
  const buffer = Buffer.from(key + value)
  const keyLength = Buffer.byteLength(key)
  return FlowRecord.raw(buffer, 0, keyLength, text, keyLength, buffer.length - keyLength, text, 1, noHeaders)
}

/** The chain of one sub-topology of a pipeline. */
async function chainOf(build: (builder: PipelineBuilder) => void, id = 0, table: OperatorTable = operatorTable) {
  const plan = await pipeline('app', (builder) => {
    build(builder)
  }).build()
  const sub = plan.subtopologies[id] as ProcessingSubTopology
  const context = await new ChainContext().open(sub.stores)
  const chain = buildChain(sub, 'app', context, table)
  const push = (from: string, key: string, value: string): void =>
    chain.push(sub.inputs.find(({ topic: { name } }) => name === from) as InputSpec, record(key, value))
  return { chain, context, push, written: context.written }
}

describe('a chain', () => {
  it('leads the records of each input to all that is behind it, in order of the pipeline', async () => {
    const { push, written } = await chainOf(({ stream }) => {
      const both = stream(left)
        .map((v) => `${v}!`)
        .merge(stream(right))
      both.to(out)
      both.filter((v) => v !== 'b').to(log)
    })
    push('left', 'k', 'a')
    push('right', 'k', 'b')
    expect(written).toEqual(['out: k=a!', 'log: k=a!', 'out: k=b'])
  })

  it('builds a node once, however many ways lead to it', async () => {
    const seen: string[] = []
    const { push, written, context } = await chainOf(({ stream }) => {
      const lines = stream(left)
      let all = lines.map((v) => v)
      for (let i = 0; i < 3; i++) all = all.map((v) => `${v}l`).merge(all.map((v) => `${v}r`))
      all
        .tap((v) => void seen.push(v))
        .count('n')
        .to(counts)
    })
    push('left', 'k', '')
    expect(seen).toEqual(['lll', 'llr', 'lrl', 'lrr', 'rll', 'rlr', 'rrl', 'rrr'])
    expect(context.store('n').rows.valueAt(0)).toBe(8)
    expect(written).toEqual([])
  })

  it('ends in a topic where an edge leads through one, and hands records there before what was said later', async () => {
    const { push, written } = await chainOf(({ stream }) => {
      const words = stream(left).keyBy('word', (v) => v)
      words.count('n')
      words.to(out)
      stream(right).to(forgetfulSink('sink'))
      stream(right).to(log)
    })
    push('left', 'k', 'a')
    expect(written).toEqual(['out: a=a', 'app-word-repartition: a=a'])
  })

  it('writes what comes in to an egress topic as it is', async () => {
    const { push, written } = await chainOf(({ stream }) => {
      stream(left).to(forgetfulSink('sink'))
      stream(left)
        .map((v) => `${v}!`)
        .to(out)
    })
    push('left', 'k', 'a')
    expect(written).toEqual(['out: k=a!', 'app-sink-egress: k=a'])
  })

  it('hands every change of a table to its updates, and the last of each key at the cut to all else', async () => {
    const { chain, context, push, written } = await chainOf(({ stream }) => {
      const table = stream(left).reduce('longest', (a, b) => a + b)
      table.to(out)
      table
        .updates()
        .map((v) => `${v}`)
        .to(log)
      table.to(forgetfulSink('sink'))
    })
    push('left', 'a', '1')
    push('left', 'b', '2')
    push('left', 'a', '3')
    expect(written.splice(0)).toEqual(['log: a=1', 'log: b=2', 'log: a=13'])
    const cuts = chain.cut()
    expect([...cuts.keys()]).toEqual(['longest'])
    expect(written.splice(0)).toEqual(['out: a=13', 'app-sink-egress: a=13', 'out: b=2', 'app-sink-egress: b=2'])
    context.store('longest').known()
    context.store('longest').written()
    chain.cut()
    expect(written).toEqual([])
  })

  it('writes every null of a stream that holds null as no value, in any topic; and leaves others to the topic', async () => {
    const maybe = topic('left', { key: text, value: nullable(text) })
    const { context } = await chainOf(({ stream }) => {
      stream(maybe)
        .filter((v): v is string => v !== null)
        .to(out)
    })
    const other = await chainOf(({ stream }) => stream(right).to(log))
    const holds = (of: typeof context, name: string): boolean => of.outputs.get(name)?.value.holdsNull === true
    expect([holds(context, 'out'), holds(other.context, 'log')]).toEqual([true, false])
  })

  it('cuts a table before what it feeds, so that all of one commit is in it', async () => {
    const { chain, push, context } = await chainOf(({ stream }) => {
      stream(left).count('first').updates().count('second').to(counts)
    })
    for (const key of ['a', 'a', 'b']) push('left', key, 'x')
    expect([...chain.cut().keys()]).toEqual(['first', 'second'])
    expect(context.written).toEqual(['counts: a=2', 'counts: b=1'])
  })

  it('throws what user code throws, and goes on with the next record', async () => {
    const { push, written } = await chainOf(({ stream }) => {
      stream(left)
        .map((v) => {
          if (v === 'bad') throw new RangeError('no')
          return v
        })
        .to(out)
    })
    expect(() => push('left', 'k', 'bad')).toThrow('no')
    push('left', 'k', 'good')
    expect(written).toEqual(['out: k=good'])
  })

  it('has nothing to do by a clock where no operator asked for it', async () => {
    const { chain, written } = await chainOf(({ stream }) => stream(left).to(out))
    expect([chain.advance(1e12), chain.punctuate(1e12), chain.flush()]).toEqual([null, null, null])
    expect([chain.dueMs, chain.nextWakeMs]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])
    expect(written).toEqual([])
  })

  it('gives what operators do by themselves, with whose it is and what becomes of it when it fails', async () => {
    const { chain, push, written } = await chainOf(
      ({ stream }) => {
        stream(left, { onProcessError: 'skip' })
          .reduce('windows', (a) => a)
          .updates()
          .map((one) => one ?? '')
          .to(out)
      },
      0,
      withClocked('windows'),
    )
    push('left', 'k', 'a')
    push('left', 'j', 'a')
    expect([chain.dueMs, chain.nextWakeMs]).toEqual([1000, 100])
    expect(chain.advance(999)).toBeNull()
    const { work, ...due } = chain.advance(1000) ?? {}
    expect(due).toEqual({ clock: 'stream time', owner: { operator: 'aggregate windows', policy: 'skip' } })
    expect([work?.time, String(work?.key)]).toEqual([1000, 'j'])
    work?.run()
    expect(written).toEqual(['out: j=closed 1000 1'])
    expect(chain.punctuate(100)).toMatchObject({ clock: 'wall clock', work: { time: 100, key: null, label: 'tick' } })
    const last = chain.flush()
    expect(last).toMatchObject({ clock: 'end of input', work: { time: 1000, key: Buffer.from('k') } })
    last?.work.run()
    expect(chain.flush()?.work.label).toBe('end')
    chain.flush()?.work.run()
    expect([chain.flush(), chain.advance(1000)]).toEqual([null, null])
  })
})
