import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../src/broker/storage/memory-storage.ts'
import type { EmbeddedBroker } from '../../src/job/embedded-broker.ts'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { describeConfigs } from '../../src/protocol/messages/configs.ts'
import { findCoordinator } from '../../src/protocol/messages/find-coordinator.ts'
import { joinGroup } from '../../src/protocol/messages/group.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { createTopics } from '../../src/protocol/messages/topics.ts'
import { listeningBroker } from '../support/embedded-broker.ts'
import { freePorts } from '../support/free-port.ts'
import { scratch, writeTexts } from '../support/job-runner.ts'
import { saslAuthenticate, saslHandshake, silentListener } from '../support/silent-listener.ts'

const program = fileURLToPath(new URL('../support/aborted-start.ts', import.meta.url))
const sasl = { mechanism: 'plain', username: 'u', password: 'p' }
/** What a process may take to end after its last word; an empty one takes about 30 ms of it. */
const exitMs = 1000

/** Runs the program. @param asked resolves when it is to abort, where it waits for that */
async function aborted(config: object, when: 'first' | 'asked' | number, asked?: Promise<unknown>) {
  await using folder = await scratch()
  await writeTexts(folder.path, { 'lines.txt': 'one\ntwo\n' })
  const args = [
    '--conditions=millrace-source',
    '--import',
    'tsx',
    program,
    folder.path,
    JSON.stringify(config),
    `${when}`,
  ]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], timeout: 20_000 })
  void asked?.then(() => child.stdin.write('now'))
  let printed = ''
  let saidMs = 0
  child.stdout.on('data', (part) => {
    printed += part
    saidMs = performance.now()
  })
  const [code] = await once(child, 'close')
  return { code, ...(JSON.parse(printed) as { end: string; ms: number }), exitMs: performance.now() - saidMs }
}

function expectQuickEnd(how: Awaited<ReturnType<typeof aborted>>): void {
  expect(how).toMatchObject({ code: 0, end: expect.stringMatching(/^(JOB_CLOSED|stopped)$/) })
  expect(how.ms).toBeLessThan(1000)
  expect(how.exitMs).toBeLessThan(exitMs)
}

describe.concurrent('a process that aborts the start of its job ends by itself, at once', () => {
  let opened: EmbeddedBroker
  beforeAll(async () => {
    opened = (await listeningBroker(new MemoryStorage().open())).opened
  })
  afterAll(() => opened.close())

  it.each(['first', 0, 30, 60, 100, 300] as const)('on the embedded broker, aborted %s', async (when) => {
    expectQuickEnd(await aborted({}, when))
  })

  it.each(['first', 0, 300, 1500] as const)('with brokers that are not there, aborted %s', async (when) => {
    const brokers = (await freePorts(3)).map((port) => `127.0.0.1:${port}`)
    expectQuickEnd(await aborted({ brokers, brokerPatienceMs: 300_000 }, when))
  })

  it.each([
    ['anything', null, {}],
    ['ApiVersions', apiVersions.key, {}],
    ['SaslHandshake', saslHandshake, { sasl }],
    ['SaslAuthenticate', saslAuthenticate, { sasl }],
    ['a TLS handshake', null, { ssl: true }],
    ['Metadata', metadata.key, {}],
    ['CreateTopics', createTopics.key, {}],
    ['DescribeConfigs', describeConfigs.key, {}],
    ['FindCoordinator', findCoordinator.key, {}],
    ['JoinGroup', joinGroup.key, {}],
  ] as const)('with a broker that does not answer %s', async (_what, api, more) => {
    await using listener = await silentListener(api === null ? null : opened.broker, api === null ? [] : [api])
    // An application of its own: what another one has created is not asked for again.
    const config = { brokers: [listener.address], appId: `app-${api ?? 'none'}`, brokerPatienceMs: 300_000, ...more }
    expectQuickEnd(await aborted(config, 'asked', listener.swallowed))
    expect(listener.open).toBe(0)
  })
})
