/**
 * A child that holds `argv[2]/store` and the lock of `argv[2]` and writes until it is killed. Batch `n` writes `n`
 * under each of 20 keys; a line with `n` on stdout says that the batch was acknowledged.
 */
import { lockDirectory } from '../../src/state/directory-lock.ts'
import { levelBackends } from '../../src/state/level-backend.ts'

const directory = process.argv[2] as string
await lockDirectory(directory, { pid: process.pid })
const store = await levelBackends({ memoryBytes: 160 * 1024 }).open(`${directory}/store`)
for (let n = 1; ; n++) {
  const value = Buffer.alloc(500)
  value.writeUInt32BE(n)
  await store.batch(Array.from({ length: 20 }, (_, key) => ({ key: Uint8Array.of(key), value })))
  process.stdout.write(`${n}\n`)
}
