import { kafkaError } from '../../protocol/kafka-errors.ts'

/** What a JoinGroup is answered. */
export interface JoinAnswer {
  readonly errorCode: number
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leader: string
  readonly skipAssignment: boolean
  readonly memberId: string
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly metadata: Buffer
  }[]
}

/** What a SyncGroup is answered. */
export interface SyncAnswer {
  readonly errorCode: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Buffer
}

/** A JoinGroup that failed. */
export function joinRefused(errorCode: number, memberId: string): JoinAnswer {
  return {
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  }
}

/** A SyncGroup that failed. */
export function syncRefused(errorCode: number): SyncAnswer {
  return { errorCode, protocolType: null, protocolName: null, assignment: Buffer.alloc(0) }
}

/** A SyncGroup that gives an assignment. */
export function synced(
  group: { readonly protocolType: string; readonly protocolName: string | null },
  assignment: Buffer,
): SyncAnswer {
  const { protocolType, protocolName } = group
  return { errorCode: kafkaError.NONE, protocolType, protocolName, assignment }
}
