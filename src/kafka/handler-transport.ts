import { assert } from '../core/assert.ts'
import type { Clock, DeadlineMs } from '../core/clock.ts'
import { messageOf, StreamError } from '../core/errors.ts'
import { apiOf } from '../protocol/apis.ts'
import { type Connect, encodeRequestFrame, type Handler, hasResponseTags, skipTags } from '../protocol/frame.ts'
import { WireReader } from '../protocol/wire-reader.ts'
import { WireWriter } from '../protocol/wire-writer.ts'
import { withDeadline } from './deadline.ts'
import { LaneOrder } from './lane-order.ts'
import type { Lane, NodeId, Transport } from './transport.ts'

interface Line {
  readonly handle: Handler
  readonly close: () => void
  /** Frames are written here: the broker copies what it keeps, and a lane has one request under way. */
  readonly writer: WireWriter
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
  private readonly inFlight = new Set<(error: StreamError) => void>()
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
    const exchange = this.order.run(lane, 0, async () => {
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
    })
    return withDeadline(this.clock, deadline, description.name, exchange, () => this.drop(lane))
  }

  private exchange(lane: Lane, line: Line, frame: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const fail = (error: StreamError): void => reject(error)
      this.inFlight.add(fail)
      line.handle(frame).then(
        (answer) => {
          this.inFlight.delete(fail)
          if (answer === null)
            reject(new StreamError('CONNECTION_LOST', 'the broker gave no answer', { action: 'retry' }))
          else resolve(answer)
        },
        (error: unknown) => {
          this.inFlight.delete(fail)
          this.drop(lane)
          reject(
            new StreamError('CONNECTION_LOST', `the embedded broker closed the connection: ${messageOf(error)}`, {
              action: 'retry',
              cause: error,
            }),
          )
        },
      )
    })
  }

  private line(lane: Lane): Line {
    let line = this.lines.get(lane)
    if (!line) {
      line = { ...this.connect(), writer: new WireWriter() }
      this.lines.set(lane, line)
    }
    return line
  }

  private drop(lane: Lane): void {
    this.lines.get(lane)?.close()
    this.lines.delete(lane)
  }

  async close(): Promise<void> {
    this.closed = true
    for (const lane of [...this.lines.keys()]) this.drop(lane)
    for (const fail of [...this.inFlight]) fail(closedError())
    this.inFlight.clear()
  }
}

/** Closed by its owner: there is nothing to try again. */
const closedError = (): StreamError =>
  new StreamError('CONNECTION_LOST', 'the connection to the broker is closed', { action: 'fail' })
