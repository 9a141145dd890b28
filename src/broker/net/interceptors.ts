/** A request as an interceptor sees it: bytes, behind the header. */
export interface InterceptedRequest {
  readonly apiKey: number
  readonly apiVersion: number
  readonly clientId: string
  readonly body: Buffer
}

/**
 * What becomes of an intercepted request:
 * `pass` serves it; `reply` answers with this body instead; `delay` serves it `ms` later; `drop` neither serves nor
 * answers it; `drop-answer` serves it but never answers; `cut` closes the connection at once; `cut-after` serves it and
 * then closes the connection instead of answering (the client does not learn the outcome).
 */
export type Interception =
  | { readonly action: 'pass' | 'drop' | 'drop-answer' | 'cut' | 'cut-after' }
  | { readonly action: 'reply'; readonly body: Uint8Array }
  | { readonly action: 'delay'; readonly ms: number }

/** Decides about one request; undefined is `pass`. */
export type Interceptor = (request: InterceptedRequest) => Interception | undefined

/** Faults by API key, for tests. Handed to a broker in its options and changed while it runs. */
export class Interceptors {
  private readonly byKey = new Map<number, Interceptor[]>()

  /** Adds an interceptor for an API key; the first that does not pass decides. @returns what takes it off again */
  on(apiKey: number, interceptor: Interceptor): () => void {
    const known = this.byKey.get(apiKey) ?? []
    this.byKey.set(apiKey, [...known, interceptor])
    return () => {
      const left = (this.byKey.get(apiKey) ?? []).filter((one) => one !== interceptor)
      this.byKey.set(apiKey, left)
    }
  }

  /** Applies to the next request of this key only. */
  once(apiKey: number, interception: Interception): void {
    const off = this.on(apiKey, () => {
      off()
      return interception
    })
  }

  /** What becomes of a request. */
  decide(request: InterceptedRequest): Interception {
    for (const interceptor of this.byKey.get(request.apiKey) ?? []) {
      const decided = interceptor(request)
      if (decided && decided.action !== 'pass') return decided
    }
    return { action: 'pass' }
  }
}
