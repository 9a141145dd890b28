interface Edge {
  readonly from: number
  readonly to: number
  readonly cost: number
  /** Units that may still go this way. */
  left: number
  /** Takes back what went this way. */
  readonly back: number
}

/**
 * A network of nodes and edges with room and price, through which as much as possible flows as cheaply as possible.
 *
 * Units are sent one by one, each the cheapest way that there is then, which may take back a part of what went before:
 * what has flowed is so at every moment the cheapest flow of its size. Deterministic in the order of `edge` calls. Made for
 * some thousands of edges and prices of 0 and -1.
 */
export class CheapestFlow {
  private readonly edges: Edge[] = []
  private readonly outgoing: number[][] = []

  /** @returns the new edge, for {@link flows} */
  edge(from: number, to: number, room: number, cost: number): number {
    const at = this.edges.length
    this.edges.push(
      { from, to, cost, left: room, back: at + 1 },
      { from: to, to: from, cost: -cost, left: 0, back: at },
    )
    this.outgoingOf(from).push(at)
    this.outgoingOf(to).push(at + 1)
    return at
  }

  /** Sends all that goes from one node to another. */
  send(from: number, to: number): void {
    for (let way = this.cheapestWay(from, to); way !== null; way = this.cheapestWay(from, to)) {
      for (const edge of way) {
        edge.left--
        ;(this.edges[edge.back] as Edge).left++
      }
    }
  }

  /** Whether anything went over an edge. */
  flows(edge: number): boolean {
    return (this.edges[(this.edges[edge] as Edge).back] as Edge).left > 0
  }

  /** Bellman and Ford's search: a way may lead over edges that give something back. */
  private cheapestWay(from: number, to: number): readonly Edge[] | null {
    const costs = new Map([[from, 0]])
    const reachedBy = new Map<number, Edge>()
    const changed = new Set([from])
    for (const node of changed) {
      changed.delete(node)
      const cost = costs.get(node) as number
      for (const at of this.outgoingOf(node)) {
        const edge = this.edges[at] as Edge
        if (edge.left === 0 || cost + edge.cost >= (costs.get(edge.to) ?? Number.POSITIVE_INFINITY)) continue
        costs.set(edge.to, cost + edge.cost)
        reachedBy.set(edge.to, edge)
        changed.add(edge.to)
      }
    }
    const way: Edge[] = []
    for (let edge = reachedBy.get(to); edge !== undefined; edge = reachedBy.get(edge.from)) way.push(edge)
    return way.length > 0 ? way : null
  }

  private outgoingOf(node: number): number[] {
    const known = this.outgoing[node]
    if (known) return known
    const fresh: number[] = []
    this.outgoing[node] = fresh
    return fresh
  }
}
