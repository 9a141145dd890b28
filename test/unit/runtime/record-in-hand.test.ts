import { describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/core/errors.ts'
import type { FlowRecord } from '../../../src/operators/flow-record.ts'
import type { Chain } from '../../../src/runtime/chain.ts'
import { RecordInHand } from '../../../src/runtime/record-in-hand.ts'
import { RecordQueue } from '../../../src/runtime/record-queue.ts'
import { TaskContext } from '../../../src/runtime/task-context.ts'
import { text } from '../../../src/serde/text.ts'
import type { ErrorPolicy } from '../../../src/topology/node.ts'
import { bareThread } from '../../support/bare-thread.ts'
import { FetchedLog } from '../../support/fetched.ts'
import { record } from '../../support/record-batches.ts'
import { SteppedClock } from '../../support/stepped-clock.ts'

/** What user code does with a record. */
type Work = (record: FlowRecord, context: TaskContext) => void

function open(policy: ErrorPolicy, work: Work) {
  const clock = new SteppedClock()
  let woken = 0
  const { thread, lines } = bareThread({ clock, wake: () => woken++ })
  const context = new TaskContext(thread, '1_0', 0)
  const inHand = new RecordInHand(thread, '1_0', context)
  const log = new FetchedLog('orders')
  const input = {
    topic: { role: 'external' as const, name: 'orders' },
    key: text,
    value: text,
    errors: { decode: 'fail' as const, process: policy },
    edges: [],
    sources: [],
  }
  const queue = new RecordQueue(input, log.queue, 0, -1, () => undefined)
  const push: Chain['push'] = (_input, one) => work(one, context)
  const take = (value: string): void => {
    log.answer([log.batch([record('k', value)])])
    const head = queue.peek() as FlowRecord
    queue.take()
    inHand.process({ push }, queue, head)
  }
  return { clock, thread, lines, context, inHand, take, wakes: () => woken }
}

const refuse: Work = () => {
  throw new Error('user code said no')
}
const refuseAfterEffect: Work = (_, context) => {
  context.effect()
  throw new Error('too late')
}

/** A promise and what settles it. */
function gate() {
  let [open, fail] = [() => {}, (_: Error) => {}]
  const done = new Promise<void>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  return { done, open: () => open(), fail: (error: Error) => fail(error) }
}

describe('a record that fails at once', () => {
  it('stops the job under the policy fail, named with its place and a remedy', () => {
    const { take } = open('fail', refuse)
    expect(() => take('x')).toThrow(
      expect.objectContaining({
        code: 'RECORD_PROCESSING',
        action: 'fail',
        context: { taskId: '1_0', topic: 'orders', partition: 0, offset: 0 },
        message: expect.stringMatching(/orders-0@0 failed in task 1_0: user code said no; .*onProcessError/),
      }),
    )
  })

  it('is passed over and counted under the policy skip where it had no effect', () => {
    const { take, thread, lines } = open('skip', refuse)
    take('x')
    expect(thread.metrics.skipped).toBe(1)
    expect(lines).toEqual([expect.stringContaining('skipped: the record orders-0@0 failed')])
    expect(thread.leftOut.size).toBe(0)
  })

  it('costs the transaction where it had one, and is left out of the replay', () => {
    const { take, thread } = open('skip', refuseAfterEffect)
    expect(() => take('x')).toThrow(expect.objectContaining({ code: 'RECORD_PROCESSING', action: 'reset-task' }))
    expect([...thread.leftOut]).toEqual(['orders-0@0'])
    expect(thread.metrics.skipped).toBe(0)
  })

  it('keeps the code of an error that is a record’s own', () => {
    const { take } = open('fail', () => {
      throw new StreamError('RECORD_TOO_LARGE', 'too large')
    })
    expect(() => take('x')).toThrow(expect.objectContaining({ code: 'RECORD_TOO_LARGE' }))
  })

  it('is not blamed for the trouble of the engine', () => {
    const trouble = new StreamError('PRODUCER_FENCED', 'fenced', { action: 'reset-task' })
    const { take, thread } = open('skip', () => {
      throw trouble
    })
    expect(() => take('x')).toThrow(trouble)
    expect(thread.metrics.skipped).toBe(0)
  })

  it('gives up what it waits for already', () => {
    const cancelled: string[] = []
    const { take, context } = open('skip', (_, task) => {
      task.suspend(new Promise(() => undefined), () => cancelled.push('first'))
      throw new Error('second')
    })
    take('x')
    expect(cancelled).toEqual(['first'])
    expect(context.isWaiting).toBe(false)
  })
})

describe('a record that a replay leaves out', () => {
  it('never enters the chain, and is counted', () => {
    const seen: unknown[] = []
    const { take, thread } = open('skip', ({ value }) => seen.push(value))
    thread.leftOut.add('orders-0@1')
    for (const value of ['a', 'b', 'c']) take(value)
    expect(seen).toEqual(['a', 'c'])
    expect(thread.metrics.skipped).toBe(1)
  })
})

describe('a record that waits', () => {
  it('holds its task until it is through, then wakes the thread', async () => {
    const work = gate()
    const { take, inHand, wakes } = open('fail', (_, context) => context.suspend(work.done, () => undefined))
    take('x')
    expect(inHand.isWaiting).toBe(true)
    work.open()
    await inHand.pending
    expect([inHand.isWaiting, wakes()]).toEqual([false, 1])
    expect(() => inHand.throwFailure()).not.toThrow()
  })

  it('waits on for what it meets behind its first wait', async () => {
    const [first, second] = [gate(), gate()]
    const { take, inHand } = open('fail', (_, context) => {
      const through = first.done.then(() => context.suspend(second.done, () => undefined))
      context.suspend(through, () => undefined)
    })
    take('x')
    first.open()
    await first.done
    expect(inHand.isWaiting).toBe(true)
    second.open()
    await inHand.pending
    expect(inHand.isWaiting).toBe(false)
  })

  it('tells its failure once, when the task looks', async () => {
    const work = gate()
    const { take, inHand } = open('fail', (_, context) => context.suspend(work.done, () => undefined))
    take('x')
    work.fail(new Error('the service said no'))
    await inHand.pending
    expect(() => inHand.throwFailure()).toThrow('the service said no')
    expect(() => inHand.throwFailure()).not.toThrow()
  })

  it('is passed over under the policy skip where it had no effect', async () => {
    const work = gate()
    const { take, inHand, thread } = open('skip', (_, context) => context.suspend(work.done, () => undefined))
    take('x')
    work.fail(new Error('no'))
    await inHand.pending
    inHand.throwFailure()
    expect(thread.metrics.skipped).toBe(1)
  })

  it('is given up at its deadline, and what it waits for is cancelled', async () => {
    const cancelled: string[] = []
    const { take, inHand, clock } = open('fail', (_, context) =>
      context.suspend(new Promise(() => undefined), () => cancelled.push('it')),
    )
    take('x')
    clock.advance(59_999)
    expect(inHand.isWaiting).toBe(true)
    clock.advance(1)
    expect([inHand.isWaiting, cancelled]).toEqual([false, ['it']])
    expect(() => inHand.throwFailure()).toThrow(
      expect.objectContaining({ code: 'RECORD_TIMED_OUT', message: expect.stringContaining('within 60000 ms') }),
    )
  })

  it('is not given up for what the process stood still for: it could not have ended meanwhile', async () => {
    const work = gate()
    const { take, inHand, thread, clock } = open('skip', (_, context) => context.suspend(work.done, () => undefined))
    take('x')
    clock.advance(59_000)
    clock.oversleep(600_000)
    expect(inHand.isWaiting).toBe(true)
    work.open()
    await inHand.pending
    inHand.throwFailure()
    expect([inHand.isWaiting, thread.metrics.skipped]).toEqual([false, 0])
  })

  it('changes nothing any more when it ends behind its deadline', async () => {
    const work = gate()
    const { take, inHand, clock, wakes } = open('skip', (_, context) => context.suspend(work.done, () => undefined))
    take('x')
    const { pending } = inHand
    clock.advance(60_000)
    work.fail(new Error('late'))
    await pending
    expect(() => inHand.throwFailure()).not.toThrow()
    expect(wakes()).toBe(1)
  })

  it('is forgotten, failure and all, when its task closes', async () => {
    const work = gate()
    const cancelled: string[] = []
    const { take, inHand, wakes } = open('fail', (_, context) => context.suspend(work.done, () => cancelled.push('it')))
    take('x')
    const { pending } = inHand
    inHand.cancel()
    work.fail(new Error('nobody hears it'))
    await pending
    expect([inHand.isWaiting, cancelled, wakes()]).toEqual([false, ['it'], 0])
    expect(() => inHand.throwFailure()).not.toThrow()
  })

  it('gives up all that is under way for a record when part of it fails, and leaves no timer', async () => {
    const given: string[] = []
    const { clock, thread, inHand, take } = open('skip', (_record, context) => {
      context.suspend(Promise.reject(new Error('no')), () => given.push('failed'))
      context.suspend(new Promise(() => undefined), () => given.push('slow'))
    })
    take('x')
    await inHand.pending
    expect(given).toEqual(['failed', 'slow'])
    expect(thread.metrics.skipped).toBe(1)
    clock.advance(120_000)
    inHand.throwFailure()
    expect(thread.metrics.skipped).toBe(1)
  })
})
