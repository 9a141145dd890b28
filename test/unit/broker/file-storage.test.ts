import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openFileStorage } from '../../../src/broker/storage/file-storage.ts'
import { startBroker, textsIn } from '../../support/broker-harness.ts'
import { KafkaSession } from '../../support/kafka-session.ts'
import { rawClientOver } from '../../support/raw-client.ts'
import { temporaryDirectory } from '../../support/temp-dir.ts'

describe("a broker's directory", () => {
  it('may hold files and folders that are not of the broker, which leaves them alone', async () => {
    await using directory = await temporaryDirectory('broker')
    const start = async () => startBroker({}, await openFileStorage(directory.path, process.pid))
    const logs = join(directory.path, 'logs')
    const first = await start()
    const session = new KafkaSession(rawClientOver(first.connect))
    await session.createTopic('words')
    await session.send('words', ['a'])
    await first.close()
    const [topicId] = await readdir(logs)
    await writeFile(join(logs, '.DS_Store'), 'of a desktop')
    await writeFile(join(logs, topicId ?? '', 'notes.txt'), 'of a user')
    await mkdir(join(logs, 'kept', '0'), { recursive: true })
    await writeFile(join(logs, 'kept', '0', 'copy.log'), 'of a user')
    const again = await start()
    try {
      const { records } = await new KafkaSession(rawClientOver(again.connect)).fetch('words', 0)
      expect(textsIn(records)).toEqual([[0, 'a']])
    } finally {
      await again.close()
    }
    expect((await readdir(logs)).sort()).toEqual(['.DS_Store', topicId, 'kept'].sort())
    expect(await readdir(join(logs, 'kept', '0'))).toEqual(['copy.log'])
  })
})
