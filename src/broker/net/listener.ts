import { createServer, type Server, type Socket } from 'node:net'
import { StreamError, systemCodeOf } from '../../core/errors.ts'
import type { Handler } from '../../protocol/frame.ts'
import type { Broker } from '../broker.ts'
import type { Address } from '../services.ts'

/** Limits of a listener. Everything is optional. */
export interface ListenOptions {
  /** The largest request frame, in bytes. Default 100 MB, as Kafka's `socket.request.max.bytes`. */
  readonly frameBytesMax?: number
  /** Connections at once; more are closed at once. Default 256. */
  readonly connectionsMax?: number
  /** How long a frame that has begun may take to arrive, in milliseconds. Default 30,000. */
  readonly frameTimeoutMs?: number
  /** Listen on an address that other machines reach, though nothing here asks who they are. Default false. */
  readonly insecure?: boolean
}

/** A broker's open TCP port. */
export interface Listener {
  /** Where it listens; the port is the real one where 0 was asked for. */
  readonly address: Address
  /** Closes the port and every connection on it. The broker goes on. Idempotent. */
  close(): Promise<void>
}

/** Requests of one connection that may wait for their turn, by number and by bytes, before no more are read from it. */
const waitingMax = { requests: 64, bytes: 16 * 1024 * 1024 }

/** Bytes of answers that a client has not read before its next request is served. */
const unreadBytesMax = 8 * 1024 * 1024

/**
 * Opens a TCP port for Kafka clients: frames with a 4-byte length, served in order within a connection.
 *
 * A length is believed only as far as bytes have come: nothing is allocated for what a client merely claims. A frame
 * over the limit, one that does not end in time, an unknown API or malformed bytes close that one connection.
 *
 * @throws {StreamError} `CONFIG_INVALID` for an address other machines reach without `insecure`, or one that is taken
 * or not this machine's
 */
export async function listen(
  broker: Broker,
  host: string,
  port: number,
  options: ListenOptions = {},
): Promise<Listener> {
  const { frameBytesMax = 100 * 1024 * 1024, connectionsMax = 256, frameTimeoutMs = 30_000 } = options
  if (!options.insecure && !isLoopback(host)) {
    throw new StreamError(
      'CONFIG_INVALID',
      `listening on ${host} would let other machines in, and the embedded broker does not ask who they are; listen on 127.0.0.1, or use a Kafka cluster`,
    )
  }
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    if (sockets.size >= connectionsMax) {
      broker.logger.warn('a client was turned away: the embedded broker has all the connections it takes', {
        connectionsMax,
      })
      socket.destroy()
      return
    }
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    serve(broker, socket, { frameBytesMax, frameTimeoutMs })
  })
  await bound(server, host, port)
  const found = server.address()
  const address = { host, port: typeof found === 'object' && found ? found.port : port }
  return {
    address,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

function bound(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const taken = systemCodeOf(error) === 'EADDRINUSE'
      const remedy = taken
        ? 'it is in use: choose another port, or stop what has it'
        : 'choose an address of this machine'
      reject(
        new StreamError('CONFIG_INVALID', `cannot listen on ${host}:${port} (${error.message}); ${remedy}`, {
          cause: error,
        }),
      )
    })
    server.listen(port, host, resolve)
  })
}

interface FrameLimits {
  readonly frameBytesMax: number
  readonly frameTimeoutMs: number
}

function serve(broker: Broker, socket: Socket, limits: FrameLimits): void {
  const remote = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`
  const connection = broker.accept({
    // Where the client came in is where it is sent back to, whatever address the server was bound to.
    advertised: { host: socket.localAddress ?? '127.0.0.1', port: socket.localPort ?? 0 },
    remoteHost: socket.remoteAddress ?? '?',
  })
  const frames = new FrameAssembler(limits.frameBytesMax)
  const requests = new RequestQueue(socket, (frame) => connection.handle(frame))
  let cancelDeadline: (() => void) | null = null
  const refuse = (reason: string): void => {
    broker.logger.warn('a client connection of the embedded broker was closed', { remote, reason })
    socket.destroy()
  }
  socket.on('error', () => socket.destroy())
  socket.once('close', () => {
    cancelDeadline?.()
    connection.close()
  })
  socket.on('data', (chunk: Buffer) => {
    let whole: Buffer[]
    try {
      whole = frames.push(chunk)
    } catch (error) {
      refuse((error as Error).message)
      return
    }
    if (!frames.isPartial || whole.length > 0) {
      cancelDeadline?.()
      cancelDeadline = null
    }
    if (frames.isPartial) {
      cancelDeadline ??= broker.clock.timer(limits.frameTimeoutMs, () =>
        refuse(`a frame did not end within ${limits.frameTimeoutMs} ms`),
      )
    }
    for (const frame of whole) requests.add(frame)
  })
}

/**
 * Serves the requests of one socket in their order. A client that sends more than is served, or does not read its
 * answers, is left waiting: neither fills this process's memory.
 */
class RequestQueue {
  private readonly socket: Socket
  private readonly handle: Handler
  private waiting: Buffer[] = []
  private waitingBytes = 0
  private isServing = false

  constructor(socket: Socket, handle: Handler) {
    this.socket = socket
    this.handle = handle
  }

  add(frame: Buffer): void {
    this.waiting.push(frame)
    this.waitingBytes += frame.length
    if (this.waiting.length > waitingMax.requests || this.waitingBytes > waitingMax.bytes) this.socket.pause()
    if (!this.isServing) this.serve().catch(() => this.socket.destroy())
  }

  private async serve(): Promise<void> {
    this.isServing = true
    for (let frame = this.waiting.shift(); frame && !this.socket.destroyed; frame = this.waiting.shift()) {
      this.waitingBytes -= frame.length
      const response = await this.handle(frame)
      if (response) await this.send(response)
      if (this.socket.isPaused()) this.socket.resume()
    }
    this.isServing = false
  }

  private async send(response: Buffer): Promise<void> {
    const { socket } = this
    if (socket.destroyed) return
    const length = Buffer.allocUnsafe(4)
    length.writeInt32BE(response.length)
    socket.cork()
    socket.write(length)
    socket.write(response)
    socket.uncork()
    if (socket.writableLength <= unreadBytesMax) return
    await new Promise<void>((resolve) => {
      socket.once('drain', resolve)
      socket.once('close', resolve)
    })
  }
}

/** Cuts a stream of bytes into frames. What it holds is what has come, never what a length claims. */
class FrameAssembler {
  private readonly frameBytesMax: number
  private chunks: Buffer[] = []
  private held = 0

  constructor(frameBytesMax: number) {
    this.frameBytesMax = frameBytesMax
  }

  /** Whether a frame has begun and not ended. */
  get isPartial(): boolean {
    return this.held > 0
  }

  /** @returns the frames that end in this chunk, without their lengths. @throws for a length that is not allowed */
  push(chunk: Buffer): Buffer[] {
    this.chunks.push(chunk)
    this.held += chunk.length
    const frames: Buffer[] = []
    while (this.held >= 4) {
      const length = this.peekLength()
      if (length < 8 || length > this.frameBytesMax) {
        throw new Error(`a frame of ${length} bytes; 8 to ${this.frameBytesMax} are possible`)
      }
      if (this.held < length + 4) break
      frames.push(this.take(length + 4).subarray(4))
    }
    return frames
  }

  private peekLength(): number {
    const [first] = this.chunks as [Buffer]
    if (first.length >= 4) return first.readInt32BE(0)
    this.chunks = [Buffer.concat(this.chunks)]
    return (this.chunks[0] as Buffer).readInt32BE(0)
  }

  private take(length: number): Buffer {
    const all = this.chunks.length === 1 ? (this.chunks[0] as Buffer) : Buffer.concat(this.chunks, this.held)
    this.held -= length
    this.chunks = this.held > 0 ? [all.subarray(length)] : []
    return all.subarray(0, length)
  }
}
