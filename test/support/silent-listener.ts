import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Broker } from '../../src/broker/broker.ts'
import { servedApis } from '../../src/broker/net/api-table.ts'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'

/** What the embedded broker does not have: a client is asked for its name here, and believed. */
export const saslHandshake = 17
export const saslAuthenticate = 36

/** A port that swallows requests. */
export interface SilentListener extends AsyncDisposable {
  readonly address: string
  /** Resolves when a request was swallowed. */
  readonly swallowed: Promise<void>
  /** Connections that are open now, and that ever were. */
  readonly open: number
  readonly accepted: number
}

/**
 * Listens and answers nothing; with a broker behind it, all but what is swallowed is answered.
 * @param swallows keys of APIs
 */
export async function silentListener(
  broker: Broker | null = null,
  swallows: readonly number[] = [],
): Promise<SilentListener> {
  const sockets = new Set<Socket>()
  let accepted = 0
  let tell = (): void => {}
  const swallowed = new Promise<void>((resolve) => {
    tell = resolve
  })
  const server = createServer((client) => {
    sockets.add(client)
    accepted++
    const line = broker?.accept({ advertised: { host: '127.0.0.1', port }, remoteHost: '127.0.0.1' })
    client.on('error', () => client.destroy())
    client.on('close', () => {
      sockets.delete(client)
      line?.close()
    })
    let bytes = Buffer.alloc(0)
    client.on('data', (part) => {
      if (!line) return tell()
      bytes = Buffer.concat([bytes, part])
      while (bytes.length >= 6 && bytes.length >= 4 + bytes.readInt32BE(0)) {
        const frame = bytes.subarray(4, 4 + bytes.readInt32BE(0))
        bytes = bytes.subarray(4 + frame.length)
        if (swallows.includes(frame.readInt16BE(0))) tell()
        else
          answer(line, frame).then(
            (bytes) => bytes && client.write(framed(bytes)),
            () => client.destroy(),
          )
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    address: `127.0.0.1:${port}`,
    swallowed,
    get open() {
      return sockets.size
    },
    get accepted() {
      return accepted
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

async function answer(line: ReturnType<Broker['accept']>, frame: Buffer): Promise<Buffer | null> {
  const [api, version, correlationId] = [frame.readInt16BE(0), frame.readInt16BE(2), frame.subarray(4, 8)]
  if (api === apiVersions.key && version <= 2) {
    const sasl = [saslHandshake, saslAuthenticate].map((key) => ({ key, minVersion: 0, maxVersion: 1 }))
    const apiKeys = [
      ...servedApis.map(({ description, minVersion, maxVersion }) => ({
        key: description.key,
        minVersion,
        maxVersion,
      })),
      ...sasl,
    ].map(({ key, minVersion, maxVersion }) => ({ apiKey: key, minVersion, maxVersion }))
    return Buffer.concat([correlationId, apiVersions.response.encode(version, { errorCode: 0, apiKeys })])
  }
  // No error, and one mechanism.
  const plain = Buffer.from([0, 0, 0, 0, 0, 1, 0, 5, ...Buffer.from('PLAIN')])
  if (api === saslHandshake) return Buffer.concat([correlationId, plain])
  return line.handle(frame)
}

function framed(answer: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(answer.length)
  return Buffer.concat([size, answer])
}
