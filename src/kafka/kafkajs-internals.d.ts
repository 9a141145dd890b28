/** The parts of kafkajs 2.2.4 that are not in its public types; only kafkajs-transport.ts imports them. */

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
  interface Connection {
    readonly socket?: { destroy(): void }
    rejectRequests(error: Error): void
    disconnect(): Promise<boolean>
  }
  interface Broker {
    readonly connectionPool: { readonly pool: readonly Connection[]; send(request: ProtocolRequest): Promise<Buffer> }
  }
  interface BrokerPool {
    readonly brokers: { readonly [nodeId: string]: Broker }
    readonly seedBroker?: Broker
    findConnectedBroker(): Promise<Broker>
  }
  export default class Cluster {
    constructor(options: Record<string, unknown>)
    readonly brokerPool: BrokerPool
    connect(): Promise<void>
    refreshMetadata(): Promise<void>
    findBroker(options: { readonly nodeId: string }): Promise<Broker>
    disconnect(): Promise<void>
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
  export default function createSocketFactory(): unknown
}

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    constructor(initialSize?: number)
    writeBufferInternal(buffer: Buffer): void
  }
}
