import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import type { Conformance } from '../support/conformance.ts'
import { KafkaSession } from '../support/kafka-session.ts'
import type { RawClient } from '../support/raw-client.ts'
import { groupConformance } from './broker-conformance-groups.ts'
import { logConformance } from './broker-conformance-log.ts'
import { transactionConformance } from './broker-conformance-transactions.ts'
import { secondTransactionConformance } from './broker-conformance-transactions-2.ts'

/** A broker under test. */
export interface BrokerUnderTest {
  /** A connection of its own: requests on one wait for each other. */
  connect(): Promise<RawClient>
  stop(): Promise<void>
}

/**
 * What a client may rely on of any broker: the same cases for the embedded broker and for Apache Kafka, and both must
 * pass. A broker is started once for all of them; names are fresh for each case.
 */
export function describeBrokerConformance(title: string, start: () => Promise<BrokerUnderTest>): void {
  describe(`${title} as a Kafka broker`, () => {
    let broker: BrokerUnderTest | null = null
    let main: KafkaSession | null = null
    let others: KafkaSession[] = []
    let count = 0
    const run = Math.random().toString(36).slice(2, 8)

    beforeAll(async () => {
      broker = await start()
      main = new KafkaSession(await broker.connect())
    })
    afterEach(() => {
      for (const session of others) session.client.close()
      others = []
    })
    afterAll(async () => {
      main?.client.close()
      await broker?.stop()
    })

    const conformance: Conformance = {
      name: (of) => `conform-${run}-${of}-${++count}`,
      session: () => {
        if (!main) throw new Error('the broker has not started')
        return main
      },
      another: async () => {
        if (!broker) throw new Error('the broker has not started')
        const session = new KafkaSession(await broker.connect())
        others.push(session)
        return session
      },
    }
    logConformance(conformance)
    transactionConformance(conformance)
    secondTransactionConformance(conformance)
    groupConformance(conformance)
  })
}
