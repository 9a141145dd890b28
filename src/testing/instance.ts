import type { Clock } from '../core/clock.ts'
import type { StepHook } from '../core/steps.ts'
import type { JobPorts } from '../job/job.ts'
import type { Transport } from '../kafka/transport.ts'

/** A promise that never settles: what a dead process waits for. */
const never = <T>(): Promise<T> => new Promise<T>(() => undefined)

/**
 * The ports of one job instance that can be killed: from then on none of them settles, no timer fires, and nothing it
 * has under way is heard of. For its broker and its disks the instance is a process that is gone.
 */
export class Instance {
  readonly ports: JobPorts
  private transports: Transport[] = []
  private isDead = false

  constructor(ports: JobPorts) {
    const steps: StepHook = (name, effect) => this.alive(() => ports.steps(name, effect))
    this.ports = {
      ...ports,
      clock: this.clock(ports.clock),
      steps,
      connect: async () => {
        const { transport, broker } = await ports.connect()
        this.transports.push(transport)
        return { transport: this.transport(transport), broker }
      },
    }
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.isDead = true
    for (const transport of this.transports) await transport.close()
    this.transports = []
  }

  private alive<T>(work: () => Promise<T>): Promise<T> {
    if (this.isDead) return never()
    return new Promise((resolve, reject) => {
      work().then(
        (value) => {
          if (!this.isDead) resolve(value)
        },
        (error: unknown) => {
          if (!this.isDead) reject(error)
        },
      )
    })
  }

  private clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
      timer: (delayMs, fire) =>
        clock.timer(delayMs, () => {
          if (!this.isDead) fire()
        }),
      sleep: (delayMs, signal) => this.alive(() => clock.sleep(delayMs, signal)),
      yield: () => this.alive(() => clock.yield()),
    }
  }

  private transport(transport: Transport): Transport {
    return {
      address: transport.address,
      request: (...call) => this.alive(() => transport.request(...call)),
      close: () => transport.close(),
    }
  }
}

/** A clock that runs `factor` times as fast as another, so that sessions and intervals pass in a test's time. */
export function fasterClock(clock: Clock, factor: number): Clock {
  const origin = clock.now()
  return {
    now: () => Math.floor(origin + (clock.now() - origin) * factor),
    monotonicMs: () => clock.monotonicMs() * factor,
    timer: (delayMs, fire) => clock.timer(delayMs / factor, fire),
    sleep: (delayMs, signal) => clock.sleep(delayMs / factor, signal),
    yield: () => clock.yield(),
  }
}
