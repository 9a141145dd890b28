import { Observable, type OperatorFunction, Subscriber } from 'rxjs'
import type { PipeNode } from '../topology/node.ts'
import type { FlowRecord } from './flow-record.ts'
import type { Operator } from './operator.ts'
import type { ProcessorContext, Resume } from './processor-context.ts'
import { refuseUndefined } from './refuse-undefined.ts'
import { nullInstead } from './stateless.ts'
import { stepOperator } from './step-subscriber.ts'

/** Gathers what one record's Observable emits, until it completes or fails. */
class RecordSubscriber extends Subscriber<unknown> {
  readonly values: unknown[] = []
  isComplete = false
  failure: { readonly error: unknown } | null = null
  private settle: (() => void) | null = null

  protected override _next(value: unknown): void {
    this.values.push(value)
  }

  protected override _error(error: unknown): void {
    this.failure = { error }
    this.finish()
  }

  protected override _complete(): void {
    this.isComplete = true
    this.finish()
  }

  private finish(): void {
    this.unsubscribe()
    this.settle?.()
  }

  /** Resolves when the Observable has completed or failed. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.settle = resolve
    })
  }
}

/**
 * The user's RxJS operators over values, each record its own finite Observable (docs/design.md, "RxJS, and where it is safe").
 *
 * The operators are applied once, over a cold Observable that emits the value in hand at each subscription, and
 * subscribed anew for each record: so `retry` repeats its own record and nothing leaks into the next. What a record
 * emits is held back until its Observable completes (X7); an error fails the record. An Observable that does not
 * complete at once suspends the task. Nothing is reordered: where one record of an input has become several, each waits
 * until the one before it is through. A record without a value goes on as it is, in its turn, where null is not shown (R47).
 */
export function pipe(node: PipeNode, context: ProcessorContext): Operator {
  return stepOperator((emit) => {
    let inHand: FlowRecord
    const cold = new Observable<unknown>((subscriber) => {
      subscriber.next(inHand.value)
      subscriber.complete()
    })
    const operators = node.operators as readonly OperatorFunction<unknown, unknown>[]
    const piped = operators.reduce<Observable<unknown>>((source, operator) => operator(source), cold)
    const forward = (record: FlowRecord, subscriber: RecordSubscriber): void => {
      if (subscriber.failure) throw subscriber.failure.error
      if (subscriber.values.includes(undefined)) refuseUndefined('pipe', nullInstead)
      for (const value of subscriber.values) emit(record.withValue(value))
    }
    const { showsNull = false } = node
    /** @returns what the record waits for; null when it is through already */
    const begin = (record: FlowRecord): RecordSubscriber | null => {
      if (!record.hasValue && !showsNull) {
        emit(record)
        return null
      }
      inHand = record
      const subscriber = new RecordSubscriber()
      piped.subscribe(subscriber)
      if (!subscriber.isComplete && !subscriber.failure) return subscriber
      forward(record, subscriber)
      return null
    }
    /** Records behind the one that is under way; null when none is. */
    let behind: FlowRecord[] | null = null
    return (first) => {
      if (behind !== null) {
        behind.push(first)
        return
      }
      let underWay = begin(first)
      if (underWay === null) return
      const queue: FlowRecord[] = []
      behind = queue
      let resume: Resume
      const through = async (): Promise<void> => {
        let record: FlowRecord | undefined = first
        while (record !== undefined) {
          const waited: FlowRecord = record
          const subscriber: RecordSubscriber | null = underWay
          if (subscriber !== null) {
            await subscriber.settled()
            resume(() => forward(waited, subscriber))
          }
          // The same record again, where two branches of one stream have met: it gets an Observable of its own.
          const next = queue.shift()
          if (next !== undefined) {
            resume(() => {
              underWay = begin(next)
            })
          }
          record = next
        }
      }
      const done = through().finally(() => {
        if (behind === queue) behind = null
      })
      resume = context.suspend({
        done,
        holds: 'task',
        cancel: () => {
          underWay?.unsubscribe()
          queue.length = 0
          if (behind === queue) behind = null
        },
      })
    }
  })
}
