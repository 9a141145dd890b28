import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listen } from '../../src/broker/net/listener.ts'
import { openFileStorage } from '../../src/broker/storage/file-storage.ts'
import { startBroker } from '../support/broker-harness.ts'
import { rawClientAt } from '../support/raw-client.ts'
import { describeBrokerConformance } from './broker-conformance.ts'

describeBrokerConformance('the embedded broker, over TCP and on disk,', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'broker-conformance-'))
  const broker = await startBroker({}, await openFileStorage(directory, process.pid))
  const { address, close } = await listen(broker, '127.0.0.1', 0)
  return {
    connect: () => rawClientAt(address.host, address.port),
    stop: async () => {
      await close()
      await broker.close()
      await rm(directory, { recursive: true })
    },
  }
})
