import type { AppContext } from '../../src/checkpoint/app-context.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { Logger } from '../../src/core/logger.ts'
import { LoopTime } from '../../src/core/loop-time.ts'
import { seededRandom } from '../../src/core/random.ts'
import { runStep } from '../../src/core/steps.ts'
import { newThreadMetrics } from '../../src/runtime/task-metrics.ts'
import type { ThreadContext } from '../../src/runtime/thread-context.ts'
import { MemoryFileSystem } from '../../src/testing/index.ts'
import { SteppedClock } from './stepped-clock.ts'

/** What a test wants to own of a thread. */
export interface BareThreadParts {
  readonly clock?: Clock
  /** Where there is a broker; without it a thread has ports alone. */
  readonly app?: AppContext
  readonly follow?: boolean
  readonly wake?: () => void
}

/** A logger that keeps what it is told from `info` on, level first. */
export function keepingLogger(): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = []
  const keep = (level: string) => (message: string) => void lines.push(`${level}: ${message}`)
  return { lines, logger: { debug: () => undefined, info: keep('info'), warn: keep('warn'), error: keep('error') } }
}

/**
 * The context of a stream thread without the thread: what operators, pumps and records in hand ask of it. Fetching and
 * producing are not there.
 */
export function bareThread(parts: BareThreadParts = {}) {
  const clock = parts.clock ?? new SteppedClock()
  const { logger, lines } = keepingLogger()
  const stop = new AbortController()
  const files = new MemoryFileSystem()
  const ports = { clock, logger, random: seededRandom(1), files, steps: runStep }
  const thread = {
    app: { ...(parts.app ?? { ports }), signal: stop.signal },
    metrics: newThreadMetrics(),
    leftOut: new Set<string>(),
    recordDeadlineMs: 60_000,
    time: new LoopTime((parts.app?.ports ?? ports).clock),
    follow: parts.follow ?? false,
    drain: false,
    passOver: new Set<string>(),
    wake: parts.wake ?? (() => undefined),
  } as unknown as ThreadContext
  return { thread, lines, stop }
}
