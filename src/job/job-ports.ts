import type { Ports } from '../core/ports.ts'
import type { Transport } from '../kafka/transport.ts'
import type { OperatorTable } from '../operators/operator-table.ts'
import type { StateBackends } from '../state/state-backend.ts'
import type { EmbeddedBroker } from './embedded-broker.ts'

/** The outside of a job, as ports: what `run` fills in, and a simulation replaces. */
export interface JobPorts extends Ports {
  readonly backends: StateBackends
  readonly pid: number
  /** How chains come by their operators. */
  readonly operators: OperatorTable
  /** Opens the way to the brokers. */
  readonly connect: () => Promise<{ readonly transport: Transport; readonly broker: EmbeddedBroker | null }>
}
