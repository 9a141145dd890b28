import type { StepHook, StepName } from '../core/steps.ts'

/** What happens to an instance at a named point: a bug of the past is pinned by a list of these. */
export type ScriptedEvent =
  | {
      /** The step of opening or commit, and the how many'th time that it runs. */
      readonly at: StepName
      readonly occurrence: number | 'every'
      /** Before its effect, or after it. */
      readonly when: 'before' | 'after'
      /** `kill` and `pause` happen to the process; an error is what the step fails with; or how long it is held up. */
      readonly do: 'kill' | 'pause' | Error | { readonly lateMs: number }
    }
  | {
      /** A request by the name of its API, and the how many'th of it. */
      readonly request: string
      readonly occurrence: number | 'every'
      /** Virtual milliseconds that it arrives late. */
      readonly lateMs: number
    }

/** Who can be killed, paused and held up. */
export interface ScriptTarget {
  kill(): void
  pause(): void
  /** Resolves so many virtual milliseconds later. */
  sleep(ms: number): Promise<void>
}

/** Counts what an instance does, and lets the scripted happen when its time has come. */
export class Script {
  private readonly events: readonly ScriptedEvent[]
  private readonly happened = new Set<ScriptedEvent>()
  private readonly steps = new Map<string, number>()
  private readonly requests = new Map<string, number>()

  constructor(events: readonly ScriptedEvent[]) {
    this.events = events
  }

  /** How often each step has begun. */
  get seen(): ReadonlyMap<string, number> {
    return this.steps
  }

  /** Events that have happened: a test whose fault never came has shown nothing. */
  get fired(): number {
    return this.happened.size
  }

  /** The step hook of an instance. */
  hook(target: ScriptTarget, inner: StepHook): StepHook {
    return async (name, effect) => {
      const occurrence = count(this.steps, name)
      const due = (when: 'before' | 'after') =>
        this.events.find(
          (event) => 'at' in event && event.at === name && isDue(event, occurrence) && event.when === when,
        )
      await this.happen(due('before'), target)
      const result = await inner(name, effect)
      await this.happen(due('after'), target)
      return result
    }
  }

  private async happen(event: ScriptedEvent | undefined, target: ScriptTarget): Promise<void> {
    if (event === undefined || !('at' in event)) return
    this.happened.add(event)
    if (event.do instanceof Error) throw event.do
    if (event.do === 'pause') return target.pause()
    if (event.do !== 'kill') return target.sleep(event.do.lateMs)
    target.kill()
    await new Promise(() => undefined)
  }

  /** How late the next request of an API arrives, virtual milliseconds. */
  lateMs(api: string): number {
    const occurrence = count(this.requests, api)
    const event = this.events.find((one) => 'request' in one && one.request === api && isDue(one, occurrence))
    if (event === undefined || !('request' in event)) return 0
    this.happened.add(event)
    return event.lateMs
  }
}

const isDue = (event: ScriptedEvent, occurrence: number): boolean =>
  event.occurrence === 'every' || event.occurrence === occurrence

function count(counts: Map<string, number>, name: string): number {
  const now = (counts.get(name) ?? 0) + 1
  counts.set(name, now)
  return now
}
