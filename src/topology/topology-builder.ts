import { StreamError } from '../core/errors.ts'
import { deepFreeze } from './deep-freeze.ts'
import { checkName } from './naming.ts'
import type { StoreSpec, TopologyNode } from './node.ts'

type WithoutId<N> = N extends TopologyNode ? Omit<N, 'id'> : never

/** A node that has no place yet. */
export type NewNode = WithoutId<TopologyNode>

/** What a pipeline declares, in the order in which it did: frozen nodes, and the stores that may be queried. */
export interface Topology {
  readonly name: string
  readonly nodes: readonly TopologyNode[]
  readonly queryables: ReadonlyMap<string, StoreSpec>
}

/** Collects the nodes of one pipeline. Nothing runs, and nothing is judged but names: the whole is, when it is planned. */
export class TopologyBuilder {
  readonly #name: string
  readonly #nodes: TopologyNode[] = []
  #closed = false

  /** @throws {StreamError} `PLAN_INVALID` for a name that cannot be an application id */
  constructor(name: string) {
    checkName('pipeline', name)
    this.#name = name
  }

  /**
   * Adds a node behind nodes that are there.
   *
   * @returns the node with its place, frozen
   * @throws {StreamError} `PLAN_INVALID` once the topology is closed: a stream has left the function that builds it
   */
  add(node: NewNode): TopologyNode {
    if (this.#closed) {
      throw new StreamError(
        'PLAN_INVALID',
        `pipeline ${this.#name}: expected all of it to be said within its build function, found a ${node.kind} after its end; say it there, without waiting for anything`,
      )
    }
    const placed = deepFreeze<TopologyNode>({ ...node, inputs: [...node.inputs], id: this.#nodes.length })
    this.#nodes.push(placed)
    return placed
  }

  /** Whether a node is one of this topology's: a stream of another pipeline is refused where it enters. */
  owns(node: TopologyNode): boolean {
    return this.#nodes[node.id] === node
  }

  /** Ends the collection. */
  close(queryables: ReadonlyMap<string, StoreSpec>): Topology {
    this.#closed = true
    return Object.freeze({ name: this.#name, nodes: Object.freeze([...this.#nodes]), queryables: new Map(queryables) })
  }
}
