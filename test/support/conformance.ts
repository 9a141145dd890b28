import type { KafkaSession } from './kafka-session.ts'

/** What the cases of the broker's conformance suite are given. */
export interface Conformance {
  /** A name that nobody had before, on whatever cluster. */
  name(of: string): string
  /** The connection of this case, or, each time, another one. */
  session(): KafkaSession
  another(): Promise<KafkaSession>
}
