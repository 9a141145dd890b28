import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '../../src/core/random.ts'
import { levelBackends } from '../../src/state/level-backend.ts'
import { MemoryDisk } from '../../src/state/memory-disk.ts'
import { stateBackendContract } from './state-backend-contract.ts'

stateBackendContract('LevelDB', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'state-'))
  return {
    backends: levelBackends(),
    path: join(directory, 'task', 'store'),
    end: () => rm(directory, { recursive: true, force: true }),
  }
})

stateBackendContract('memory', async () => ({
  backends: new MemoryDisk(seededRandom(1)).backends(1),
  path: '/task/store',
  end: async () => {},
}))
