import { StreamError } from '../core/errors.ts'
import { apiOf } from '../protocol/apis.ts'
import type { Connect } from '../protocol/frame.ts'
import type { Actor } from './actor.ts'
import { digestOf } from './digest.ts'
import type { Simulation } from './simulation.ts'

/** The longest that one way through the network takes: virtual milliseconds. */
const networkMs = 2

/** One connection of a client. */
interface Wire {
  readonly client: Actor
  /** What the client waits for: each is told when the wire breaks. */
  readonly waiting: Set<(error: StreamError) => void>
  line: ReturnType<Connect> | null
  isBroken: boolean
  /** Requests that were sent and have not arrived: a client that goes cannot take them back, and its going comes behind them. */
  underWay: number
  isClosing: boolean
}

/**
 * Port 3 in a simulation: wires between clients and the broker. Request and answer are an event each: a paused client is
 * still served, what a killed one had sent may still arrive, and a broker that goes down breaks every wire.
 */
export class SimulatedNetwork {
  private readonly network: Actor
  private readonly wires = new Set<Wire>()
  private connectBroker: Connect | null = null

  constructor(simulation: Simulation) {
    this.network = simulation.actor('network')
  }

  /** A broker listens from now on; null: none does, and all wires to the last one are broken. */
  listen(connect: Connect | null): void {
    this.connectBroker = connect
    if (connect !== null) return
    for (const wire of [...this.wires]) this.break(wire)
  }

  /** The client's process is gone: the broker sees its connections close, some time from now. */
  disconnect(client: Actor): void {
    for (const wire of this.wires) if (wire.client === client) this.closeLater(wire)
  }

  /**
   * What a client connects with.
   * @param lateMs asked for each request by the name of its API: how much later than usual it arrives
   */
  connect(client: Actor, lateMs: (api: string) => number): Connect {
    return () => {
      const wire: Wire = { client, waiting: new Set(), line: null, isBroken: false, underWay: 0, isClosing: false }
      this.wires.add(wire)
      return {
        handle: (frame) => {
          const api = apiOf(frame.readInt16BE(0))?.name ?? 'unknown'
          return this.request(wire, api, frame, lateMs(api))
        },
        close: () => this.closeLater(wire),
      }
    }
  }

  private request(wire: Wire, api: string, frame: Buffer, lateMs: number): Promise<Buffer | null> {
    return new Promise((resolve, reject) => {
      const { client, waiting } = wire
      waiting.add(reject)
      const answer = (digest: number, settle: () => void): void => {
        client.at(client.jitter(networkMs), 'transport', `${api} answered`, digest, () => {
          waiting.delete(reject)
          settle()
        })
      }
      // What is sent may be written over once it is on its way.
      const sent = lateMs > 0 ? Buffer.from(frame) : frame
      wire.underWay++
      this.network.at(lateMs + client.jitter(networkMs), client.name, api, digestOf(sent), () => {
        wire.underWay--
        if (!wire.isBroken) wire.line ??= this.connectBroker?.() ?? null
        if (wire.isBroken || wire.line === null) return answer(0, () => reject(broken()))
        wire.line.handle(sent).then(
          (bytes) => answer(bytes ? digestOf(bytes) : 0, () => resolve(bytes)),
          (error: unknown) => answer(0, () => reject(error)),
        )
        if (wire.isClosing) this.closeLater(wire)
      })
    })
  }

  private closeLater(wire: Wire): void {
    this.network.at(wire.client.jitter(networkMs), wire.client.name, 'close', 0, () => {
      wire.isClosing = true
      if (wire.underWay > 0) return
      wire.isBroken = true
      wire.line?.close()
      this.wires.delete(wire)
    })
  }

  private break(wire: Wire): void {
    wire.isBroken = true
    this.wires.delete(wire)
    for (const reject of wire.waiting) {
      wire.client.at(wire.client.jitter(networkMs), 'transport', 'broken', 0, () => reject(broken()))
    }
  }
}

const broken = (): StreamError =>
  new StreamError('CONNECTION_LOST', 'the connection to the simulated broker broke', { action: 'retry' })
