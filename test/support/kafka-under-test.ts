import { describe, inject } from 'vitest'
import type { KafkaUnderTest } from './kafka-setup.ts'

/** The real Kafka of this run. Only for files of the project `kafka`. */
export const kafkaUnderTest: KafkaUnderTest = inject('kafka')

/** A `describe` that runs against the real Kafka, and is skipped under a name that says why where there is none. */
export function describeKafka(noun: string, body: (brokers: string) => void): void {
  const { brokers, why } = kafkaUnderTest
  if (why === null) describe(noun, () => body(brokers))
  else describe.skip(`${noun} (skipped: ${why})`, () => body(brokers))
}
