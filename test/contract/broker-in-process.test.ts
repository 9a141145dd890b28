import { startBroker } from '../support/broker-harness.ts'
import { rawClientOver } from '../support/raw-client.ts'
import { describeBrokerConformance } from './broker-conformance.ts'

describeBrokerConformance('the embedded broker, in-process,', async () => {
  const broker = await startBroker()
  return { connect: async () => rawClientOver(broker.connect), stop: () => broker.close() }
})
