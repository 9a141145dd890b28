import { describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/core/errors.ts'
import type { FlowRecord } from '../../../src/operators/flow-record.ts'
import type { Resume, Wait } from '../../../src/operators/processor-context.ts'
import type { Chain } from '../../../src/runtime/chain.ts'
import { RecordQueue } from '../../../src/runtime/record-queue.ts'
import { TaskContext } from '../../../src/runtime/task-context.ts'
import { Units } from '../../../src/runtime/units.ts'
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
  const units = new Units(thread, '1_0', context)
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
    units.process({ push }, queue, head)
  }
  /** An operator's own work, due at 5 for the key `k`, that does `run`. */
  const passed: number[] = []
  const runOwn = (run: () => void, time = 5): void =>
    units.run({
      clock: 'stream time',
      owner: { operator: 'process sessions', policy },
      work: { time, key: Buffer.from('k'), label: 'timeout', run, passOver: () => void passed.push(time) },
    })
  return { clock, thread, lines, context, units, take, runOwn, passed, wakes: () => woken }
}

const refuse: Work = () => {
  throw new Error('user code said no')
}
const refuseAfterEffect: Work = (_, context) => {
  context.effect()
  throw new Error('too late')
}

/** User code of the unit in hand that holds its task up, if nothing else is said. */
function suspend(
  context: TaskContext,
  done: Promise<void>,
  cancel: () => void = () => undefined,
  holds: Wait['holds'] = 'task',
): Resume {
  return context.suspend({ done, cancel, holds })
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
      suspend(task, new Promise(() => undefined), () => cancelled.push('first'))
      throw new Error('second')
    })
    take('x')
    expect(cancelled).toEqual(['first'])
    expect(context.unit.isWaiting).toBe(false)
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
    const { take, units, wakes } = open('fail', (_, context) => suspend(context, work.done))
    take('x')
    expect(units.isHeld).toBe(true)
    work.open()
    await units.pending
    expect([units.isHeld, wakes()]).toEqual([false, 1])
    expect(() => units.throwFailure()).not.toThrow()
  })

  it('waits on for what it meets behind its first wait', async () => {
    const [first, second] = [gate(), gate()]
    const { take, units } = open('fail', (_, context) => {
      let resume: Resume
      const through = first.done.then(() => resume(() => void suspend(context, second.done)))
      resume = suspend(context, through)
    })
    take('x')
    first.open()
    await first.done
    expect(units.isHeld).toBe(true)
    second.open()
    await units.pending
    expect(units.isHeld).toBe(false)
  })

  it('tells its failure once, when the task looks', async () => {
    const work = gate()
    const { take, units } = open('fail', (_, context) => suspend(context, work.done))
    take('x')
    work.fail(new Error('the service said no'))
    await units.pending
    expect(() => units.throwFailure()).toThrow('the service said no')
    expect(() => units.throwFailure()).not.toThrow()
  })

  it('is passed over under the policy skip where it had no effect', async () => {
    const work = gate()
    const { take, units, thread } = open('skip', (_, context) => suspend(context, work.done))
    take('x')
    work.fail(new Error('no'))
    await units.pending
    units.throwFailure()
    expect(thread.metrics.skipped).toBe(1)
  })

  it('is given up at its deadline, and what it waits for is cancelled', async () => {
    const cancelled: string[] = []
    const { take, units, clock } = open('fail', (_, context) =>
      suspend(context, new Promise(() => undefined), () => cancelled.push('it')),
    )
    take('x')
    clock.advance(59_999)
    expect(units.isHeld).toBe(true)
    clock.advance(1)
    expect([units.isHeld, cancelled]).toEqual([false, ['it']])
    expect(() => units.throwFailure()).toThrow(
      expect.objectContaining({ code: 'RECORD_TIMED_OUT', message: expect.stringContaining('within 60000 ms') }),
    )
  })

  it('is not given up for what the process stood still for: it could not have ended meanwhile', async () => {
    const work = gate()
    const { take, units, thread, clock } = open('skip', (_, context) => suspend(context, work.done))
    take('x')
    clock.advance(59_000)
    clock.oversleep(600_000)
    expect(units.isHeld).toBe(true)
    work.open()
    await units.pending
    units.throwFailure()
    expect([units.isHeld, thread.metrics.skipped]).toEqual([false, 0])
  })

  it('changes nothing any more when it ends behind its deadline', async () => {
    const work = gate()
    const { take, units, clock, wakes } = open('skip', (_, context) => suspend(context, work.done))
    take('x')
    const { pending } = units
    clock.advance(60_000)
    work.fail(new Error('late'))
    await pending
    expect(() => units.throwFailure()).not.toThrow()
    expect(wakes()).toBe(1)
  })

  it('is forgotten, failure and all, when its task closes', async () => {
    const work = gate()
    const cancelled: string[] = []
    const { take, units, wakes } = open('fail', (_, context) => suspend(context, work.done, () => cancelled.push('it')))
    take('x')
    const { pending } = units
    units.cancel()
    work.fail(new Error('nobody hears it'))
    await pending
    expect([units.isHeld, cancelled, wakes()]).toEqual([false, ['it'], 0])
    expect(() => units.throwFailure()).not.toThrow()
  })

  it('gives up all that is under way for a record when part of it fails, and leaves no timer', async () => {
    const given: string[] = []
    const { clock, thread, units, take } = open('skip', (_record, context) => {
      suspend(context, Promise.reject(new Error('no')), () => given.push('failed'))
      suspend(context, new Promise(() => undefined), () => given.push('slow'))
    })
    take('x')
    await units.pending
    expect(given).toEqual(['failed', 'slow'])
    expect(thread.metrics.skipped).toBe(1)
    clock.advance(120_000)
    units.throwFailure()
    expect(thread.metrics.skipped).toBe(1)
  })
})

describe('what an operator does by itself', () => {
  it('stops the job under the policy fail, named by operator, time and key', () => {
    const { runOwn } = open('fail', () => undefined)
    expect(() =>
      runOwn(() => {
        throw new Error('no')
      }),
    ).toThrow(
      expect.objectContaining({
        code: 'RECORD_PROCESSING',
        action: 'fail',
        context: { taskId: '1_0', operator: 'process sessions', time: 5 },
        message: expect.stringMatching(
          /^work timeout of the operator process sessions due at 5 for the key "k", by stream time, failed in task 1_0: no; /,
        ),
      }),
    )
  })

  it('is struck off and counted under the policy skip where it had no effect', () => {
    const { runOwn, passed, thread } = open('skip', () => undefined)
    runOwn(() => {
      throw new Error('no')
    })
    expect([passed, thread.metrics.skipped, thread.leftOut.size]).toEqual([[5], 1, 0])
  })

  it('costs the transaction where it had one, and a replay strikes it off without doing it', () => {
    const { runOwn, passed, thread, context } = open('skip', () => undefined)
    const late = (): void => {
      context.effect()
      throw new Error('too late')
    }
    expect(() => runOwn(late)).toThrow(expect.objectContaining({ action: 'reset-task' }))
    expect([passed, thread.leftOut.size]).toEqual([[], 1])
    const done: number[] = []
    runOwn(late)
    runOwn(() => void done.push(6), 6)
    expect([passed, done, thread.metrics.skipped]).toEqual([[5], [6], 1])
  })

  it('holds its task up while it waits, and is named when that fails', async () => {
    const { runOwn, units, context } = open('fail', () => undefined)
    const work = gate()
    runOwn(() => void suspend(context, work.done))
    expect(units.isHeld).toBe(true)
    work.fail(new Error('no'))
    await units.pending
    expect(() => units.throwFailure()).toThrow('operator process sessions due at 5')
  })
})

describe('units of which several wait', () => {
  /** Each record waits at a gate of its own, which holds up nobody, and has an effect behind it if it says so. */
  function several(policy: ErrorPolicy) {
    const gates = new Map<string, ReturnType<typeof gate>>()
    const log: string[] = []
    const opened = open(policy, ({ value }, context) => {
      const own = gate()
      const name = String(value)
      gates.set(name, own)
      let resume: Resume
      const through = own.done.then(() => {
        resume(() => {
          if (name.startsWith('effect')) context.effect()
          log.push(`${name} at ${context.now()}`)
          if (name.endsWith('fails')) throw new Error(`${name} here`)
        })
      })
      resume = suspend(context, through, () => log.push(`${name} given up`), 'operator')
    })
    return { ...opened, gates, log }
  }

  it('hold their task up only if one of them says so, and a commit until all are through', async () => {
    const { take, units, gates, log } = several('fail')
    take('a')
    take('b')
    expect([units.isHeld, units.pending === null]).toEqual([false, false])
    let isThrough = false
    const through = units.pending?.then(() => {
      isThrough = true
    })
    gates.get('b')?.open()
    await gates.get('b')?.done
    await new Promise(setImmediate)
    expect([log.length, isThrough]).toEqual([1, false])
    gates.get('a')?.open()
    await through
    expect([log.length, units.pending]).toEqual([2, null])
  })

  it('are judged by effects of their own', async () => {
    const { take, units, gates, thread } = several('skip')
    take('effect')
    take('fails')
    gates.get('effect')?.open()
    await new Promise(setImmediate)
    gates.get('fails')?.open()
    await units.pending
    units.throwFailure()
    expect([thread.metrics.skipped, thread.leftOut.size]).toEqual([1, 0])
  })

  it('are all given up when one costs the transaction, and have no effects any more', async () => {
    const { take, units, gates, log, thread } = several('skip')
    take('slow')
    take('effect fails')
    gates.get('effect fails')?.open()
    await units.pending
    expect(() => units.throwFailure()).toThrow('effect fails here')
    expect([...thread.leftOut]).toEqual(['orders-0@1'])
    gates.get('slow')?.open()
    await new Promise(setImmediate)
    expect(log).toEqual([expect.stringContaining('effect fails at'), 'effect fails given up', 'slow given up'])
  })

  it('keep the time that they read first, while others go on', async () => {
    const { take, units, context, clock } = open('fail', (_, task) => {
      const read = task.now()
      let resume: Resume
      const through = Promise.resolve().then(() => resume(() => expect(task.now()).toBe(read)))
      resume = suspend(task, through, () => undefined, 'operator')
    })
    take('a')
    clock.advance(500)
    take('b')
    expect(context.unit.now(() => 7)).toBe(7)
    await units.pending
    units.throwFailure()
  })

  it('have no effects once they failed at once, though what they waited for goes on', async () => {
    const work = gate()
    let resume: Resume = () => undefined
    const { take, context } = open('skip', (_, task) => {
      resume = suspend(task, work.done)
      throw new Error('at once')
    })
    take('x')
    expect(() => resume(() => context.effect())).toThrow(expect.objectContaining({ code: 'ILLEGAL_STATE' }))
    expect(context.hasEffects).toBe(false)
  })
})
