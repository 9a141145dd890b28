import { describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/core/errors.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { fromUniform, seededRandom } from '../../../src/core/random.ts'
import { withDeadline } from '../../../src/kafka/deadline.ts'
import { KafkaClient } from '../../../src/kafka/kafka-client.ts'
import { kafkaFailure } from '../../../src/kafka/kafka-error.ts'
import { kafkaError } from '../../../src/protocol/kafka-errors.ts'
import { apiVersions, transactionFeature } from '../../../src/protocol/messages/api-versions.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { findCoordinator } from '../../../src/protocol/messages/find-coordinator.ts'
import { heartbeat } from '../../../src/protocol/messages/group.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { endTxn, txnOffsetCommit } from '../../../src/protocol/messages/transaction.ts'
import {
  clientOfBroker,
  quiet,
  ScriptedTransport,
  scriptedClient,
  whileTimePasses,
} from '../../support/scripted-transport.ts'
import { SteppedClock } from '../../support/stepped-clock.ts'

const lost = () => new StreamError('CONNECTION_LOST', 'it broke', { action: 'retry' })
const level = (of: number) => ({ name: transactionFeature, minVersionLevel: of, maxVersionLevel: of })
const brokerless = { brokers: [], topics: [] }

/** A client that has not opened yet. */
function closedClient(transport: ScriptedTransport, random = seededRandom(1)) {
  const clock = new SteppedClock()
  return { client: new KafkaClient({ transport, clock, random, logger: silentLogger }), clock, transport }
}

/** What `work` settles with, a failure among it, while time passes. */
const outcome = <T>(clock: SteppedClock, work: Promise<T>, stepMs?: number): Promise<T | unknown> =>
  whileTimePasses(
    clock,
    work.catch((error: unknown) => error),
    stepMs,
  )

/** A coordinator in the answer of whatever version was asked with. */
const coordinator = (nodeId: number, errorCode = 0) => {
  const one = { key: 'k', nodeId, host: 'h', port: 1, errorCode, errorMessage: null }
  return { ...one, coordinators: [one] }
}

describe('a client that opens', () => {
  it('learns what an embedded broker serves, and asks in versions of it', async () => {
    const { client, close, transport } = await clientOfBroker()
    await client.send('admin', -1, metadata, { topics: [] })
    expect(transport.asked(apiVersions).map(({ version, lane, node }) => [version, lane, node])).toEqual([
      [0, 'admin', -1],
      [apiVersions.maxVersion, 'admin', -1],
    ])
    expect(transport.asked(metadata)[0]?.version).toBe(client.version(metadata))
    await close()
  })

  it.each([1, 2] as const)('learns that the cluster has transactions of version %i', async (transactionVersion) => {
    const { client, close } = await clientOfBroker({ transactionVersion })
    expect(client.transactionVersion).toBe(transactionVersion)
    expect([produce, txnOffsetCommit, endTxn].map((api) => client.version(api))).toEqual(
      transactionVersion === 1 ? [11, 4, 4] : [12, 5, 5],
    )
    await close()
  })

  it.each([
    ['has no such feature', 3, 0, []],
    ['does not know what is finalized', 3, -1, [level(2)]],
    ['has finalized less', 4, 7, [level(1)]],
    ['tells no features', 2, 7, [level(2)]],
  ])('keeps to transactions of version 1 where the cluster %s', async (_, most, finalizedFeaturesEpoch, features) => {
    const transport = new ScriptedTransport()
    const ranges = [apiVersions, produce].map(({ key, maxVersion }) => ({ apiKey: key, minVersion: 0, maxVersion }))
    const apiKeys = [{ apiKey: apiVersions.key, minVersion: 0, maxVersion: most }, ...ranges.slice(1)]
    transport.on(apiVersions, () => ({ errorCode: 0, apiKeys, finalizedFeaturesEpoch, finalizedFeatures: features }))
    const { client } = await scriptedClient(transport)
    expect([client.transactionVersion, client.version(produce)]).toEqual([1, 11])
  })

  it('refuses by name a cluster that has transactions of version 2 and not their requests', async () => {
    const transport = new ScriptedTransport()
    const apiKeys = [
      { apiKey: apiVersions.key, minVersion: 0, maxVersion: 4 },
      { apiKey: produce.key, minVersion: 0, maxVersion: 11 },
    ]
    transport.on(apiVersions, () => ({
      errorCode: 0,
      apiKeys,
      finalizedFeaturesEpoch: 0,
      finalizedFeatures: [level(2)],
    }))
    const { client } = await scriptedClient(transport)
    expect(() => client.version(produce)).toThrow('Produce is needed in a version of 12 to 12')
  })

  it('goes on trying while no broker listens, and opens when one does', async () => {
    const { client, clock, transport } = closedClient(new ScriptedTransport())
    let refusals = 3
    transport.on(apiVersions, () => {
      if (refusals-- > 0) throw new StreamError('BROKER_UNREACHABLE', 'nobody there', { action: 'retry' })
      return { errorCode: 0, apiKeys: [{ apiKey: fetch.key, minVersion: 4, maxVersion: 11 }] }
    })
    await outcome(clock, client.open(15_000))
    expect(transport.asked(apiVersions).length).toBe(4)
    expect(client.version(fetch)).toBe(11)
  })

  it('gives up with BROKER_UNREACHABLE as the transport said it, when its patience is over', async () => {
    const { client, clock, transport } = closedClient(new ScriptedTransport())
    transport.on(apiVersions, () => {
      throw new StreamError('BROKER_UNREACHABLE', 'nobody listens at nowhere:1', { action: 'retry' })
    })
    const failure = await outcome(clock, client.open(5000))
    expect(failure).toMatchObject({ code: 'BROKER_UNREACHABLE', message: 'nobody listens at nowhere:1' })
    expect(clock.monotonicMs()).toBeLessThanOrEqual(5000)
  })

  it('takes something that accepts and stays silent for BROKER_UNREACHABLE, asking it more than once', async () => {
    const { client, clock, transport } = closedClient(new ScriptedTransport())
    transport.on(apiVersions, ({ deadline }) => withDeadline(clock, deadline, 'ApiVersions', new Promise(() => {})))
    const failure = await outcome(clock, client.open(15_000), 500)
    expect(failure).toMatchObject({ code: 'BROKER_UNREACHABLE', cause: { code: 'REQUEST_TIMED_OUT' } })
    expect((failure as Error).message).toMatch(/a script does not answer as a Kafka broker .* check the address/)
    expect(transport.asked(apiVersions).length).toBe(2)
  })

  it.each([
    ['bytes that make no sense', () => Buffer.from('HTTP/1.1 400 Bad Request')],
    ['an error', () => ({ errorCode: kafkaError.UNSUPPORTED_VERSION, apiKeys: [] })],
    ['something else than an answer', () => Promise.reject(new TypeError('a socket of another kind'))],
  ])('takes what answers with %s for no Kafka broker', async (_, answer) => {
    const { client, clock, transport } = closedClient(new ScriptedTransport())
    transport.on(apiVersions, answer)
    const failure = await outcome(clock, client.open(100))
    expect(failure).toMatchObject({ code: 'BROKER_UNREACHABLE', action: 'fail' })
    expect((failure as Error).message).toContain('does not answer as a Kafka broker')
  })
})

describe('the version of a request', () => {
  it.each([
    ['the broker has newer ones', [4, 17], fetch.maxVersion],
    ['the broker has older ones', [4, 9], 9],
    ['the broker has one', [7, 7], 7],
  ] as const)('is the highest that both sides have where %s', async (_, served, expected) => {
    const { client } = await scriptedClient(new ScriptedTransport().serves({ Fetch: served }))
    expect(client.version(fetch)).toBe(expected)
  })

  it.each([
    ['none of the request', null, undefined, 'serves none'],
    ['only older versions', [0, 3], undefined, 'serves 0 to 3'],
    ['only newer versions', [13, 17], undefined, 'serves 13 to 17'],
    ['versions that lack what is needed', [4, 9], 10, 'a version of 10 to 12'],
  ] as const)('is refused by name where a broker serves %s', async (_, served, lowest, found) => {
    const { client, transport } = await scriptedClient(new ScriptedTransport().serves({ Fetch: served }))
    const request = { maxWaitMs: 0, minBytes: 0, maxBytes: 0, isolationLevel: 0, topics: [] }
    const failure = await client.send('fetch', 1, fetch, request, undefined, lowest).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'BROKER_UNSUPPORTED', action: 'fail', context: { api: 'Fetch' } })
    expect((failure as Error).message).toContain(found)
    expect((failure as Error).message).toContain('a script')
    expect(transport.asked(fetch)).toEqual([])
  })

  it.each([
    [produce, 11],
    [txnOffsetCommit, 4],
    [endTxn, 4],
  ] as const)('of $name means transactions of version 1', async (api, expected) => {
    const { client } = await scriptedClient()
    expect(client.version(api)).toBe(expected)
  })

  it('is refused before the client was opened', () => {
    const { client } = closedClient(new ScriptedTransport())
    expect(() => client.version(metadata)).toThrow(expect.objectContaining({ code: 'BROKER_UNSUPPORTED' }))
  })
})

describe('a request', () => {
  it('goes once to the broker and lane that were named, with a deadline of one request timeout', async () => {
    const { client, transport, clock } = await scriptedClient()
    transport.on(metadata, () => brokerless)
    clock.advance(100)
    expect(await client.send('group', 7, metadata, { topics: [] })).toMatchObject({ topics: [] })
    const [asked] = transport.asked(metadata)
    expect(asked).toMatchObject({ lane: 'group', node: 7, version: metadata.maxVersion, deadline: 30_100 })
  })

  it('that fails is not repeated behind the caller, and an answer that makes no sense is an error', async () => {
    const { client, transport } = await scriptedClient()
    transport.on(metadata, () => {
      throw lost()
    })
    await expect(client.send('admin', 1, metadata, { topics: [] })).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    expect(transport.asked(metadata).length).toBe(1)
    transport.on(metadata, () => Buffer.from([1, 2, 3]))
    await expect(client.send('admin', 1, metadata, { topics: [] })).rejects.toMatchObject({ code: 'WIRE_MALFORMED' })
  })
})

/** Fails `times` times, noting when. */
function failing(clock: SteppedClock, times: number, error: () => unknown = lost) {
  const at: number[] = []
  const attempt = async (): Promise<string> => {
    at.push(clock.monotonicMs())
    if (at.length <= times) throw error()
    return 'done'
  }
  return { at, attempt, gaps: () => at.slice(1).map((time, i) => time - (at[i] as number)) }
}

describe('repeating', () => {
  it('pauses 20 ms and twice as long each time, up to a second, when chance adds all it may', async () => {
    const { client, clock } = closedClient(
      new ScriptedTransport(),
      fromUniform(() => 1 - Number.EPSILON),
    )
    const { attempt, gaps } = failing(clock, 9)
    expect(await outcome(clock, client.retrying(60_000, attempt), 1)).toBe('done')
    expect(gaps()).toEqual([20, 40, 80, 160, 320, 640, 1000, 1000, 1000])
  })

  it('pauses half as long when chance adds nothing', async () => {
    const { client, clock } = closedClient(
      new ScriptedTransport(),
      fromUniform(() => 0),
    )
    const { attempt, gaps } = failing(clock, 4)
    expect(await outcome(clock, client.retrying(60_000, attempt), 1)).toBe('done')
    expect(gaps()).toEqual([10, 20, 40, 80])
  })

  it('spreads two clients that fail at the same moment', async () => {
    const pauses = await Promise.all(
      [1, 2].map(async (seed) => {
        const { client, clock } = closedClient(new ScriptedTransport(), seededRandom(seed))
        const { attempt, gaps } = failing(clock, 5)
        await outcome(clock, client.retrying(60_000, attempt), 1)
        return gaps()
      }),
    )
    expect(pauses[0]).not.toEqual(pauses[1])
  })

  it('begins with the pause that was asked for', async () => {
    const { client, clock } = closedClient(
      new ScriptedTransport(),
      fromUniform(() => 0),
    )
    const { attempt, gaps } = failing(clock, 2)
    await outcome(clock, client.retrying(60_000, attempt, 6), 1)
    expect(gaps()).toEqual([3, 6])
  })

  it('ends at the deadline with the error of the last attempt, never past it', async () => {
    const { client, clock } = closedClient(new ScriptedTransport())
    let attempts = 0
    const error = () => new StreamError('CONNECTION_LOST', `attempt ${++attempts}`, { action: 'retry' })
    const { at, attempt } = failing(clock, 1000, error)
    const failure = await outcome(clock, client.retrying(2000, attempt), 1)
    expect((failure as Error).message).toBe(`attempt ${at.length}`)
    expect(at.length).toBeGreaterThan(5)
    expect(at.at(-1)).toBeLessThan(2000)
  })

  it('tries once when the deadline has passed already', async () => {
    const { client, clock } = closedClient(new ScriptedTransport())
    const { at, attempt } = failing(clock, 1)
    await expect(client.retrying(0, attempt)).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    expect(at).toEqual([0])
  })

  it.each([
    ['a failure', () => new StreamError('REQUEST_FAILED', 'refused')],
    ['a fence', () => kafkaFailure(kafkaError.PRODUCER_FENCED, 'EndTxn')],
    ['a lost membership', () => kafkaFailure(kafkaError.ILLEGAL_GENERATION, 'TxnOffsetCommit')],
    ['an error of another kind', () => new TypeError('a bug')],
  ])('leaves %s to the caller at once', async (_, error) => {
    const { client, clock } = closedClient(new ScriptedTransport())
    const given = error()
    const { at, attempt } = failing(clock, 1, () => given)
    await expect(client.retrying(60_000, attempt)).rejects.toBe(given)
    expect(at.length).toBe(1)
  })
})

describe('a coordinator', () => {
  it.each([
    ['in an answer for several keys', findCoordinator.maxVersion],
    ['in an answer for one key', 3],
  ])('is asked for once a key and kept, %s', async (_, highest) => {
    const { client, transport } = await scriptedClient(
      new ScriptedTransport().serves({ FindCoordinator: [0, highest] }),
    )
    transport.on(findCoordinator, ({ request: { keyType } }) => coordinator(keyType === 0 ? 4 : 5))
    for (const _again of [1, 2]) {
      expect(await client.groupCoordinator('group', 'app')).toBe(4)
      expect(await client.transactionCoordinator('data', 'app')).toBe(5)
    }
    const asked = transport.asked(findCoordinator)
    expect(asked.map(({ request, lane, node }) => [request.keyType, lane, node])).toEqual([
      [0, 'group', -1],
      [1, 'data', -1],
    ])
    for (const { request } of asked) expect([request.key, ...request.coordinatorKeys]).toContain('app')
  })

  it('is asked for again once it was forgotten', async () => {
    const { client, transport } = await scriptedClient()
    let node = 1
    transport.on(findCoordinator, () => coordinator(node++))
    expect(await client.groupCoordinator('group', 'app')).toBe(1)
    client.forgetCoordinators()
    expect(await client.groupCoordinator('group', 'app')).toBe(2)
  })

  it('is waited for while it loads', async () => {
    const { client, transport, clock } = await scriptedClient()
    const answers = [coordinator(-1, kafkaError.COORDINATOR_NOT_AVAILABLE), coordinator(9)]
    transport.on(findCoordinator, () => answers.shift() ?? coordinator(9))
    expect(await outcome(clock, client.groupCoordinator('group', 'app'))).toBe(9)
    expect(transport.asked(findCoordinator).length).toBe(2)
  })

  it('that may not be asked for is a failure at once', async () => {
    const { client, transport } = await scriptedClient()
    transport.on(findCoordinator, () => coordinator(-1, kafkaError.GROUP_AUTHORIZATION_FAILED))
    const refused = { code: 'REQUEST_FAILED', action: 'fail' }
    await expect(client.groupCoordinator('group', 'app')).rejects.toMatchObject(refused)
    await expect(client.groupCoordinator('group', 'app')).rejects.toMatchObject(refused)
    expect(transport.asked(findCoordinator).length).toBe(2)
  })

  it.each([
    ['it says that it is none', () => kafkaFailure(kafkaError.NOT_COORDINATOR, 'Heartbeat')],
    ['its connection broke', lost],
  ])('is looked for anew when a request is repeated because %s', async (_, error) => {
    const { client, transport, clock } = await scriptedClient()
    let node = 1
    transport.on(findCoordinator, () => coordinator(node++))
    const used: number[] = []
    const work = client.retrying(client.deadline(), async () => {
      used.push(await client.groupCoordinator('group', 'app'))
      if (used.length === 1) throw error()
    })
    await outcome(clock, work)
    expect(used).toEqual([1, 2])
  })

  it('gives up within its patience on what accepts and stays silent', async () => {
    const clock = new SteppedClock()
    const transport = new ScriptedTransport()
    const client = new KafkaClient({ transport, clock, random: seededRandom(1), logger: silentLogger })
    transport.on(apiVersions, ({ deadline }) => withDeadline(clock, deadline, 'ApiVersions', new Promise(() => {})))
    await expect(whileTimePasses(clock, client.open(15_000), 100)).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' })
    expect(clock.monotonicMs()).toBeLessThanOrEqual(15_100)
  })

  it('leaves a connection alone for as long as its broker asks, and the others not', async () => {
    const { client, transport, clock } = await scriptedClient()
    let asked = 0
    transport.on(heartbeat, () => ({ throttleTimeMs: asked++ === 0 ? 500 : 0, errorCode: 0 }))
    const beat = (lane: 'group' | 'data') =>
      client.send(lane, 1, heartbeat, { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null })
    await beat('group')
    const second = beat('group')
    await beat('data')
    await quiet()
    expect(transport.asked(heartbeat)).toHaveLength(2)
    clock.advance(499)
    await quiet()
    expect(transport.asked(heartbeat)).toHaveLength(2)
    clock.advance(1)
    await second
    await beat('group')
    expect(transport.asked(heartbeat)).toHaveLength(4)
  })
})
