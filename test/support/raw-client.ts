import { connect as connectSocket } from 'node:net'
import type { Api } from '../../src/protocol/api.ts'
import { type Connect, encodeRequestFrame, hasResponseTags, skipTags } from '../../src/protocol/frame.ts'
import { WireReader } from '../../src/protocol/wire-reader.ts'

/** Sends one request in a version and reads its answer. Answers come in the order of the requests. */
export type RawRequest = <QIn, ROut>(
  api: Api<unknown, QIn, ROut, never>,
  version: number,
  request: QIn,
) => Promise<ROut>

/** One connection to a broker on which tests say exactly what they mean. */
export interface RawClient {
  readonly request: RawRequest
  /** Sends a frame as it is, without its length; the answer is what stands behind the correlation id, or null. */
  readonly frame: (frame: Buffer) => Promise<Buffer | null>
  readonly close: () => void
}

/** Over a handler in this process. */
export function rawClientOver(connect: Connect, clientId = 'raw'): RawClient {
  const connection = connect()
  return rawClient(clientId, (frame) => connection.handle(frame), connection.close)
}

/** Over a TCP connection. */
export async function rawClientAt(host: string, port: number, clientId = 'raw'): Promise<RawClient> {
  const socket = connectSocket({ host, port, noDelay: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  const waiting: { resolve: (frame: Buffer) => void; reject: (error: Error) => void }[] = []
  let held = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk])
    while (held.length >= 4 && held.length >= held.readInt32BE(0) + 4) {
      const length = held.readInt32BE(0)
      waiting.shift()?.resolve(held.subarray(4, 4 + length))
      held = held.subarray(4 + length)
    }
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    for (const one of waiting.splice(0)) one.reject(new Error('the connection was closed'))
  })
  const send = (frame: Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(new Error('the connection was closed'))
      waiting.push({ resolve, reject })
      const length = Buffer.alloc(4)
      length.writeInt32BE(frame.length)
      socket.write(Buffer.concat([length, frame]))
    })
  return rawClient(clientId, send, () => socket.destroy())
}

function rawClient(clientId: string, send: (frame: Buffer) => Promise<Buffer | null>, close: () => void): RawClient {
  let correlationId = 0
  return {
    close,
    frame: send,
    request: async (api, version, request) => {
      const header = { apiKey: api.key, apiVersion: version, correlationId: ++correlationId, clientId }
      const answer = await send(encodeRequestFrame(api, header, api.request.encode(version, request)))
      if (!answer) throw new Error(`${api.name} was not answered`)
      const reader = new WireReader(answer)
      if (reader.int32() !== header.correlationId) throw new Error(`${api.name}: an answer to another request`)
      if (hasResponseTags(api, version)) skipTags(reader)
      return api.response.read(version, reader)
    },
  }
}
