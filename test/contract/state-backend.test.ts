import { join } from 'node:path'
import { seededRandom } from '../../src/core/random.ts'
import { levelBackends } from '../../src/state/level-backend.ts'
import { MemoryDisk } from '../../src/state/memory-disk.ts'
import { temporaryDirectory } from '../support/temp-dir.ts'
import { stateBackendContract } from './state-backend-contract.ts'

stateBackendContract('LevelDB', async () => {
  const { path: directory, remove } = await temporaryDirectory('state')
  return {
    backends: levelBackends(),
    path: join(directory, 'task', 'store'),
    end: remove,
  }
})

stateBackendContract('memory', async () => ({
  backends: new MemoryDisk(seededRandom(1)).backends(1),
  path: '/task/store',
  end: async () => {},
}))
