/** The parts of kafkajs 2.2.4 that are not in its public types; only kafkajs-lane.ts and kafkajs-transport.ts import them. */

declare module 'kafkajs/src/cluster/index.js' {
  interface ProtocolRequest {
    readonly request: {
      readonly apiKey: number
      readonly apiVersion: number
      readonly apiName: string
      readonly expectResponse: () => boolean
      readonly encode: () => Promise<unknown>
    }
    readonly response: {
      readonly decode: (raw: Buffer) => Promise<{ readonly body: Buffer; readonly clientSideThrottleTime: number }>
      readonly parse: (decoded: { readonly body: Buffer }) => Promise<Buffer>
    }
    readonly requestTimeout: number
    readonly logResponseError: boolean
  }
  /** Of `node:net` or `node:tls`. */
  interface Socket {
    destroy(error: Error): void
    once(event: 'close', listener: () => void): void
  }
  interface Broker {
    readonly connectionPool: { send(request: ProtocolRequest): Promise<Buffer> }
  }
  export default class Cluster {
    constructor(options: Record<string, unknown>)
    readonly brokerPool: { findConnectedBroker(): Promise<Broker> }
    connect(): Promise<void>
    refreshMetadata(): Promise<void>
    findBroker(options: { readonly nodeId: string }): Promise<Broker>
  }
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    pending: unknown[]
    throttledUntil: number
    throttleCheckTimeoutId: unknown
    scheduleCheckPendingRequests(): void
  }
}

declare module 'kafkajs/src/network/socketFactory.js' {
  import type { Socket } from 'kafkajs/src/cluster/index.js'

  export default function createSocketFactory(): (to: unknown) => Socket
}

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    constructor(initialSize?: number)
    writeBufferInternal(buffer: Buffer): void
  }
}
