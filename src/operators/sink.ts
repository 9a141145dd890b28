import type { OutputTopic, ProcessorContext } from './processor-context.ts'
import { type RecordOperator, stepOperator } from './step-subscriber.ts'

/** Writes each record to a topic, in order. It is the end of its chain and hands nothing on. */
export function sink(topic: OutputTopic, context: ProcessorContext): RecordOperator {
  const output = context.output(topic)
  return stepOperator(() => (record) => output.send(record))
}
