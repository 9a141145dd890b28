import type { TestProject } from 'vitest/node'
import { startRealKafka, whyNotKafka } from './real-kafka.ts'

/** What the project `kafka` hands to its test files. */
export interface KafkaUnderTest {
  /** Broker list of the one Kafka that all files share; empty where there is none. */
  readonly brokers: string
  /** Why there is none; null where there is one. */
  readonly why: string | null
}

declare module 'vitest' {
  interface ProvidedContext {
    kafka: KafkaUnderTest
  }
}

/**
 * Starts one Kafka for all files of the project `kafka` and stops it after the last.
 * `MILLRACE_TEST_BROKERS` names one that runs already: then that is used and left alone.
 */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const running = process.env['MILLRACE_TEST_BROKERS']
  if (running) {
    project.provide('kafka', { brokers: running, why: null })
    return undefined
  }
  const why = whyNotKafka()
  if (why !== null) {
    project.provide('kafka', { brokers: '', why })
    return undefined
  }
  const kafka = await startRealKafka()
  project.provide('kafka', { brokers: kafka.brokers, why: null })
  return () => kafka.stop()
}
