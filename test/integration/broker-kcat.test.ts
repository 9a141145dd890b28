import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { type Listener, listen } from '../../src/broker/net/listener.ts'
import { startBroker } from '../support/broker-harness.ts'
import { KafkaSession } from '../support/kafka-session.ts'
import { rawClientOver } from '../support/raw-client.ts'

const run = promisify(execFile)
const isInstalled = spawnSync('kcat', ['-V']).error === undefined

/** kcat, which is librdkafka: the client of most other languages. */
describe.skipIf(!isInstalled)(
  `kcat on the embedded broker${isInstalled ? '' : ' (skipped: kcat is not installed)'}`,
  () => {
    let broker: Broker
    let listener: Listener

    beforeAll(async () => {
      broker = await startBroker({ autoCreateTopics: true })
      listener = await listen(broker, '127.0.0.1', 0)
    })
    afterAll(async () => {
      await listener.close()
      await broker.close()
    })

    const kcat = async (...given: string[]): Promise<string> => {
      const { host, port } = listener.address
      return (await run('kcat', ['-b', `${host}:${port}`, ...given], { timeout: 20_000 })).stdout
    }

    const send = async (topic: string, lines: readonly string[], ...given: string[]): Promise<void> => {
      const { host, port } = listener.address
      const sending = run('kcat', ['-b', `${host}:${port}`, '-P', '-t', topic, ...given], { timeout: 20_000 })
      sending.child.stdin?.end(lines.map((line) => `${line}\n`).join(''))
      await sending
    }

    it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
      'writes with compression %s and reads the same back',
      async (codec) => {
        const lines = Array.from({ length: 100 }, (_, i) => `line ${i} of the same text, so that it compresses`)
        await send(`compressed-${codec}`, lines, '-z', codec)
        expect(await kcat('-C', '-t', `compressed-${codec}`, '-e', '-q')).toBe(
          lines.map((line) => `${line}\n`).join(''),
        )
      },
    )

    it('writes idempotently with keys and headers', async () => {
      await send('keyed', ['k:v'], '-K', ':', '-H', 'name=value', '-X', 'enable.idempotence=true')
      expect(await kcat('-C', '-t', 'keyed', '-e', '-q', '-f', '%k %s %h %o\n')).toBe('k v name=value 0\n')
    })

    it('lists topics, finds offsets by time, and reads as a member of a group', async () => {
      await send('listed', ['a', 'b'])
      expect(await kcat('-L', '-t', 'listed')).toContain('topic "listed" with 1 partitions')
      expect(await kcat('-Q', '-t', 'listed:0:-1')).toContain('offset 2')
      const { host, port } = listener.address
      const given = [
        '-b',
        `${host}:${port}`,
        '-G',
        'kcat-group',
        '-X',
        'auto.offset.reset=earliest',
        '-c',
        '2',
        'listed',
      ]
      expect((await run('kcat', given, { timeout: 20_000 })).stdout).toBe('a\nb\n')
    })

    it('reads only what transactions committed', async () => {
      const session = new KafkaSession(rawClientOver(broker.connect))
      await session.createTopic('transactional')
      const producer = await session.init('kcat-id')
      for (const [sequence, committed] of [true, false, true].entries()) {
        await session.addPartitions('kcat-id', producer, 'transactional')
        await session.sendIn('kcat-id', 'transactional', [`${committed} ${sequence}`], { producer, sequence })
        await session.endOnce('kcat-id', producer, committed)
      }
      const all = await kcat('-C', '-t', 'transactional', '-e', '-q', '-X', 'isolation.level=read_uncommitted')
      expect(all).toBe('true 0\nfalse 1\ntrue 2\n')
      const committed = await kcat('-C', '-t', 'transactional', '-e', '-q', '-X', 'isolation.level=read_committed')
      expect(committed).toBe('true 0\ntrue 2\n')
    })
  },
)
