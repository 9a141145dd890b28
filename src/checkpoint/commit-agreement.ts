import { StreamError } from '../core/errors.ts'
import { partitionKey, type TopicPartition } from '../core/topic-partition.ts'
import type { BeginningRow } from './control-rows.ts'
import type { PositionsRow } from './positions-row.ts'

/** What one store of a task shows, once restored to the end of its changelog. The place is the changelog's. */
export interface ShownStore extends TopicPartition {
  readonly store: string
  /** Null before its first commit. */
  readonly row: PositionsRow | null
  /** Null where it never had a commit. */
  readonly beginning: BeginningRow | null
  /** Whether it begins anew by the user's will: then it has nothing to show. */
  readonly isFresh: boolean
}

/** A store that lacks what it ought to have, as the end of a sentence about its changelog. */
export interface LostState {
  readonly shown: ShownStore
  readonly finding: string
}

/**
 * X9: a commit is in the changelogs of all stores that were in it, and in the offsets of all inputs. A store that lacks one has lost what
 * nothing can bring back, or was left out while its inputs were read on; going on would count from the wrong number.
 *
 * Stores that were never in a commit together need not agree: tasks that became one bring their own commits, and a new
 * store has none.
 *
 * @param committed the last commit that the group's offsets name, by input of the task; 0 when none
 * @returns the first that lacks something, or null
 */
export function findLost(shown: readonly ShownStore[], committed: ReadonlyMap<string, number>): LostState | null {
  for (const one of shown) {
    if (one.isFresh) continue
    const finding = lostAlone(one) ?? lostBeside(one, shown) ?? lostBehind(one, committed)
    if (finding !== null) return { shown: one, finding }
  }
  return null
}

function lostAlone({ row, beginning }: ShownStore): string | null {
  if (beginning === null || (row !== null && row.commitId >= beginning.commitId)) return null
  return `${says(row)}, and its store began with commit ${beginning.commitId}`
}

/** By what other stores show of a commit that both were in. */
function lostBeside({ store, row }: ShownStore, shown: readonly ShownStore[]): string | null {
  const later = shown.find((other) => other.row?.stores.includes(store) && other.row.commitId > (row?.commitId ?? 0))
  return later === undefined
    ? null
    : `${says(row)}, and the store ${later.store} beside it shows commit ${later.row?.commitId}`
}

/** By what the group has of the inputs that it was made of. */
function lostBehind({ row }: ShownStore, committed: ReadonlyMap<string, number>): string | null {
  if (row === null) return null
  const ahead = Object.keys(row.positions).find((input) => (committed.get(input) ?? 0) > row.commitId)
  return ahead === undefined ? null : `${says(row)}, and ${ahead} has come to commit ${committed.get(ahead)} without it`
}

function says(row: PositionsRow | null): string {
  return row === null ? 'shows no commit' : `shows commit ${row.commitId}`
}

/**
 * State that ought to be there is not, and the inputs that it was made of have been read.
 * @param fresh the store that may be begun anew, where it is one
 */
export function stateIncomplete(taskId: string, at: TopicPartition, finding: string, fresh?: string): StreamError {
  const { topic, partition } = at
  const anew = fresh === undefined ? '' : `, begin the store without what it had (--fresh-store ${fresh})`
  return new StreamError(
    'STATE_INCOMPLETE',
    `the topic ${partitionKey(topic, partition)} ${finding}: it was deleted, lost records, or was left out of the pipeline for a while; restore the topic${anew}, or give another application id (--app-id), which reads all inputs again`,
    { taskId, topic, partition },
  )
}
