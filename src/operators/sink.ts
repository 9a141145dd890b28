import type { Operator } from './operator.ts'
import type { OutputTopic, ProcessorContext } from './processor-context.ts'
import { stepOperator } from './step-subscriber.ts'

/** Writes each record to a topic, in order. It is the end of its chain and hands nothing on. */
export function sink(topic: OutputTopic, context: ProcessorContext): Operator {
  const output = context.output(topic)
  return stepOperator(() => (record) => output.send(record))
}
