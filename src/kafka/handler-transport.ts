import { assert } from '../core/assert.ts'
import type { Clock, DeadlineMs } from '../core/clock.ts'
import { messageOf, StreamError } from '../core/errors.ts'
import { apiOf } from '../protocol/apis.ts'
import { type Connect, encodeRequestFrame, type Handler, hasResponseTags, skipTags } from '../protocol/frame.ts'
import { WireReader } from '../protocol/wire-reader.ts'
import { WireWriter } from '../protocol/wire-writer.ts'
import { timedOut } from './deadline.ts'
import { LaneOrder } from './lane-order.ts'
import type { Lane, NodeId, Transport } from './transport.ts'

interface Line {
  readonly handle: Handler
  readonly close: () => void
  /** Frames are written here: the broker copies what it keeps, and a lane has one request under way. */
  readonly writer: WireWriter
  /** Fails the request under way; null while there is none. */
  fail: ((error: StreamError) => void) | null
}

/**
 * The transport into a broker of the same process: whole frames of bytes, a connection a lane, as over a socket (X20).
 *
 * There is one broker behind it, so every node id leads there.
 */
export class HandlerTransport implements Transport {
  readonly address = 'embedded broker'
  private readonly connect: Connect
  private readonly clock: Clock
  private readonly clientId: string
  private readonly order = new LaneOrder()
  private readonly lines = new Map<Lane, Line>()
  private correlationId = 0
  private closed = false

  constructor(connect: Connect, clock: Clock, clientId: string) {
    this.connect = connect
    this.clock = clock
    this.clientId = clientId
  }

  request(
    lane: Lane,
    _node: NodeId,
    apiKey: number,
    version: number,
    body: Buffer,
    deadline: DeadlineMs,
  ): Promise<Buffer> {
    const description = apiOf(apiKey)
    assert(description, `API key ${apiKey} is described`)
    const send = async (): Promise<Buffer> => {
      if (this.closed) throw closedError()
      const correlationId = this.correlationId++ & 0x7fffffff
      const header = { apiKey, apiVersion: version, correlationId, clientId: this.clientId }
      const line = this.line(lane)
      line.writer.reset()
      const answer = await this.exchange(lane, line, encodeRequestFrame(description, header, body, line.writer))
      const reader = new WireReader(answer)
      const echoed = reader.int32()
      assert(echoed === correlationId, `answer ${echoed} belongs to request ${correlationId}`)
      if (hasResponseTags(description, version)) skipTags(reader)
      return reader.slice(reader.remaining)
    }
    const turn = { lane, node: 0, clock: this.clock, deadline, what: description.name }
    return this.order.runWithin(turn, send, () => this.drop(lane, timedOut(description.name)))
  }

  private exchange(lane: Lane, line: Line, frame: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      line.fail = reject
      line.handle(frame).then(
        (answer) => {
          line.fail = null
          if (answer === null)
            reject(new StreamError('CONNECTION_LOST', 'the broker gave no answer', { action: 'retry' }))
          else resolve(answer)
        },
        (error: unknown) => {
          const message = `the embedded broker closed the connection: ${messageOf(error)}`
          const lost = new StreamError('CONNECTION_LOST', message, { action: 'retry', cause: error })
          if (this.lines.get(lane) === line) this.drop(lane, lost)
          reject(lost)
        },
      )
    })
  }

  private line(lane: Lane): Line {
    let line = this.lines.get(lane)
    if (!line) {
      line = { ...this.connect(), writer: new WireWriter(), fail: null }
      this.lines.set(lane, line)
    }
    return line
  }

  /** Closes a lane's connection; what is under way on it fails. */
  private drop(lane: Lane, error: StreamError): void {
    const line = this.lines.get(lane)
    this.lines.delete(lane)
    line?.close()
    line?.fail?.(error)
  }

  async close(): Promise<void> {
    this.closed = true
    for (const lane of [...this.lines.keys()]) this.drop(lane, closedError())
  }
}

/** Closed by its owner: there is nothing to try again. */
const closedError = (): StreamError =>
  new StreamError('CONNECTION_LOST', 'the connection to the broker is closed', { action: 'fail' })
