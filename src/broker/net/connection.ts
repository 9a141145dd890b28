import { messageOf, StreamError } from '../../core/errors.ts'
import { isFlexible } from '../../protocol/api.ts'
import { beginResponseFrame, type RequestHeader, readRequestHeader, skipTags } from '../../protocol/frame.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import { apiVersions } from '../../protocol/messages/api-versions.ts'
import { WireReader } from '../../protocol/wire-reader.ts'
import { WireWriter } from '../../protocol/wire-writer.ts'
import { advertisedRanges } from '../handlers/api-versions.ts'
import type { Address, ConnectionScope, Services } from '../services.ts'
import type { Interception } from './interceptors.ts'
import type { ServedApi } from './served-api.ts'

/** Topics, partitions, members and the like that one request may name, all together. */
const elementsMax = 1_000_000

/** Where a connection comes from. */
export interface ConnectionOrigin {
  readonly advertised: Address
  readonly remoteHost: string
  /** In this process: every answer then comes in a later turn of the event loop, as a socket's would (X20). */
  readonly isLocal: boolean
}

/**
 * One client's connection: frames in, frames out, served one at a time in the order in which they came, as Kafka does.
 *
 * A rejection means that the connection is over: an API or version that is not served, or a frame that is malformed.
 */
export class Connection implements ConnectionScope {
  readonly advertised: Address
  readonly remoteHost: string
  isClosed = false
  private readonly services: Services
  private readonly served: ReadonlyMap<number, ServedApi>
  private readonly isLocal: boolean
  private readonly closeListeners = new Set<() => void>()
  private turn: Promise<unknown> = Promise.resolve()

  constructor(services: Services, served: ReadonlyMap<number, ServedApi>, origin: ConnectionOrigin) {
    this.services = services
    this.served = served
    this.advertised = origin.advertised
    this.remoteHost = origin.remoteHost
    this.isLocal = origin.isLocal
  }

  /** Serves a frame behind those before it. @returns the answer, null when none is due */
  handle(frame: Buffer): Promise<Buffer | null> {
    const answered = this.turn.then(() => this.serve(frame))
    this.turn = answered.catch(() => {})
    return answered
  }

  onClose(closed: () => void): () => void {
    if (this.isClosed) closed()
    else this.closeListeners.add(closed)
    return () => this.closeListeners.delete(closed)
  }

  /** Frees what the connection holds; long polls return at once. Idempotent. */
  close(): void {
    this.isClosed = true
    for (const closed of [...this.closeListeners]) closed()
    this.closeListeners.clear()
  }

  private async serve(frame: Buffer): Promise<Buffer | null> {
    if (this.isClosed) throw closedError()
    try {
      const reader = new WireReader(frame)
      reader.elementsLeft = elementsMax
      const header = readRequestHeader(reader)
      const served = this.served.get(header.apiKey)
      if (header.apiKey === apiVersions.key && header.apiVersion > apiVersions.maxVersion)
        return this.unknownApiVersions(header)
      if (!served || header.apiVersion < served.minVersion || header.apiVersion > served.maxVersion) {
        throw new StreamError(
          'WIRE_MALFORMED',
          `API ${served?.description.name ?? header.apiKey} version ${header.apiVersion} is not served here`,
        )
      }
      if (isFlexible(served.description, header.apiVersion)) skipTags(reader)
      const answer = await this.intercepted(header, served, reader)
      if (this.isLocal) await this.services.clock.yield()
      // What the caller closed meanwhile has nobody to read the answer.
      if (this.isClosed) throw closedError()
      return answer
    } catch (error) {
      if (!this.isClosed) {
        const fields = { remote: this.remoteHost, reason: messageOf(error) }
        // A client of the same process is told why, and tells its user.
        const { logger } = this.services
        if (this.isLocal) logger.debug('a connection of this process to the embedded broker was closed', fields)
        else logger.warn('a client connection of the embedded broker was closed', fields)
        this.close()
      }
      throw error
    }
  }

  private async intercepted(header: RequestHeader, served: ServedApi, reader: WireReader): Promise<Buffer | null> {
    const decided = this.services.options.interceptors?.decide({
      apiKey: header.apiKey,
      apiVersion: header.apiVersion,
      clientId: header.clientId ?? '',
      body: reader.buffer.subarray(reader.position, reader.end),
    })
    if (!decided || decided.action === 'pass') return this.answer(header, served, reader)
    return this.interfere(decided, header, served, reader)
  }

  private async interfere(
    decided: Interception,
    header: RequestHeader,
    served: ServedApi,
    reader: WireReader,
  ): Promise<Buffer | null> {
    switch (decided.action) {
      case 'reply': {
        const writer = new WireWriter(64 + decided.body.length)
        beginResponseFrame(writer, served.description, header.apiVersion, header.correlationId)
        writer.bytes(decided.body)
        return writer.finish()
      }
      case 'delay':
        await this.services.clock.sleep(decided.ms)
        break
      case 'drop':
        return this.never()
      case 'drop-answer':
        await this.answer(header, served, reader)
        return this.never()
      case 'cut':
        throw new StreamError('CONNECTION_LOST', 'an interceptor cut the connection')
      case 'cut-after':
        await this.answer(header, served, reader)
        throw new StreamError('CONNECTION_LOST', 'an interceptor cut the connection behind the request')
    }
    return this.answer(header, served, reader)
  }

  private never(): Promise<never> {
    return new Promise((_resolve, reject) => this.onClose(() => reject(closedError())))
  }

  private async answer(header: RequestHeader, served: ServedApi, reader: WireReader): Promise<Buffer | null> {
    const context = { version: header.apiVersion, clientId: header.clientId ?? '', connection: this }
    const response = await served.respond(this.services, reader, context)
    if (!response) return null
    const writer = new WireWriter(response.sizeHint + 64)
    beginResponseFrame(writer, served.description, header.apiVersion, header.correlationId)
    response.write(writer)
    return writer.finish()
  }

  /** A version of ApiVersions from the future is answered in the form of version 0, which every client reads. */
  private unknownApiVersions(header: RequestHeader): Buffer {
    const writer = new WireWriter()
    writer.int32(header.correlationId)
    apiVersions.response.write(0, writer, {
      errorCode: kafkaError.UNSUPPORTED_VERSION,
      apiKeys: advertisedRanges(this.services),
    })
    return writer.finish()
  }
}

function closedError(): StreamError {
  return new StreamError('CONNECTION_LOST', 'the connection to the embedded broker was closed', { action: 'retry' })
}
