import type { Random } from '../core/random.ts'
import type { JobPorts } from '../job/job-ports.ts'
import { HandlerTransport } from '../kafka/handler-transport.ts'
import type { Actor } from './actor.ts'
import { Script, type ScriptedEvent } from './script.ts'
import type { SimulatedNetwork } from './simulated-network.ts'
import { simulatedBackends, simulatedFiles } from './simulated-ports.ts'

/** What an instance runs on. */
export interface InstanceParts {
  readonly actor: Actor
  readonly network: SimulatedNetwork
  readonly random: Random
  /** The ports as they are without a simulation; clock, random and connection are the simulation's. */
  readonly ports: Omit<JobPorts, 'clock' | 'random' | 'connect'>
  readonly script: readonly ScriptedEvent[]
  /** Told when the process is killed: its locks are free then. */
  readonly onKilled: () => void
}

/**
 * One process of an application in a simulation: the ports to start a job with. It can be killed: from then on none of
 * its ports settles, and for its broker and its disk it is gone. It can be paused, as by SIGSTOP.
 */
export class SimulatedInstance {
  readonly ports: JobPorts
  readonly script: Script
  /** Resolves when it is killed. */
  readonly killed: Promise<null>
  private readonly parts: InstanceParts
  private tellKilled: () => void = () => undefined

  constructor(parts: InstanceParts) {
    const { actor, network, random, ports } = parts
    this.parts = parts
    this.script = new Script(parts.script)
    this.killed = new Promise((resolve) => {
      this.tellKilled = () => resolve(null)
    })
    const { clock } = actor
    this.ports = {
      ...ports,
      clock,
      random,
      files: simulatedFiles(actor, ports.files),
      backends: simulatedBackends(actor, ports.backends),
      steps: this.script.hook(this, ports.steps),
      connect: async () => {
        const connect = network.connect(actor, (api) => this.script.lateMs(api))
        return { transport: new HandlerTransport(connect, clock, actor.name), broker: null }
      },
    }
  }

  /** Whether it was killed. */
  get isDead(): boolean {
    return this.parts.actor.isDead
  }

  /** Whether what is due for it is held. */
  get isPaused(): boolean {
    return this.parts.actor.isPaused
  }

  /** kill -9. */
  kill(): void {
    const { actor, network, onKilled } = this.parts
    if (actor.isDead) return
    actor.kill()
    network.disconnect(actor)
    onKilled()
    this.tellKilled()
  }

  /** SIGSTOP: sessions and transactions go on to time out. */
  pause(): void {
    this.parts.actor.pause()
  }

  sleep(ms: number): Promise<void> {
    return this.parts.actor.clock.sleep(ms)
  }

  /** SIGCONT. */
  resume(): void {
    this.parts.actor.resume()
  }
}
