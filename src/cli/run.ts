import { newAbort } from '../core/abort.ts'
import type { Clock } from '../core/clock.ts'
import { hasCode, StreamError } from '../core/errors.ts'
import type { TextOutput } from '../core/text-output.ts'
import type { Pipeline } from '../dsl/pipeline.ts'
import type { Job } from '../job/job.ts'
import { run as runJob } from '../job/run.ts'
import type { RunOptions } from './command-line.ts'
import { consoleLogger } from './console-logger.ts'
import { loadPipeline } from './load-pipeline.ts'
import { ProgressReport } from './progress-report.ts'
import { printJson, topEntries } from './show-store.ts'
import type { StopSignals } from './stop-signals.ts'
import { table } from './table.ts'

/** What a command works with. */
export interface CommandContext {
  readonly clock: Clock
  readonly signals: StopSignals
  /** Results: tables, JSON lines, plans. */
  readonly out: TextOutput
  /** Everything else. */
  readonly err: NodeJS.WriteStream
  readonly isVerbose: boolean
}

const stoppedEarly = 'stopped before the job had started; nothing was begun'

/** `millrace run`: until the inputs end or somebody stops it. @throws {StreamError} what the job fails with */
export async function run(options: RunOptions, context: CommandContext): Promise<void> {
  const { clock, signals, err } = context
  const report = new ProgressReport(err, clock)
  const logger = consoleLogger((line) => report.line(line), context.isVerbose)
  if (options.json && options.show === null) logger.warn('--json prints a store, and none is asked for; give --show')
  // What a pipeline file does while it is loaded is its own: a stop does not wait for it.
  const loaded = await Promise.race([load(options), signals.requested])
  if (!loaded) return report.line(stoppedEarly)
  const { pipeline, store: wanted } = loaded
  const stop = newAbort()
  void signals.requested.then(() => stop.abort())
  let job: Job | null = null
  let hasSaid = false
  const show = async (): Promise<void> => {
    report.stop()
    if (job && wanted !== null) await signals.unlimited(() => showStore(job as Job, wanted, options, context))
  }
  try {
    job = await runJob(pipeline, {
      ...(options.brokers ? { brokers: options.brokers } : {}),
      ...(options.appId === null ? {} : { appId: options.appId }),
      ...(options.instanceId === null ? {} : { instanceId: options.instanceId }),
      ...(options.listen ? { listen: options.listen } : {}),
      dataDirectory: options.dataDirectory,
      parameters: options.parameters,
      follow: options.follow,
      leave: options.leave,
      freshStores: options.freshStores,
      passOver: options.passOver,
      drain: options.drain,
      signal: stop.signal,
      logger,
      beforeClose: async () => {
        if (job && !hasSaid) hasSaid = sayResumed(job, report)
        await show()
      },
    })
  } catch (error) {
    if (!stop.signal.aborted || !hasCode(error, 'JOB_CLOSED')) throw error
    return report.line(stoppedEarly)
  }
  const started = job
  const resumed = started.status$.subscribe((status) => {
    if (status === 'running' && !hasSaid) hasSaid = sayResumed(started, report)
  })
  const metrics = started.metrics$.subscribe((progress) => report.progress(progress))
  try {
    await started.done
  } finally {
    report.stop()
    metrics.unsubscribe()
    resumed.unsubscribe()
  }
}

/** Where the job went on, once. @returns whether there was anything to say */
function sayResumed(job: Job, report: ProgressReport): boolean {
  if (job.resumed.size === 0) return false
  const partitions = [...job.resumed].sort(([a], [b]) => (a < b ? -1 : 1))
  const shown = partitions.slice(0, 4).map(([key, offset]) => `${key}@${offset}`)
  const rest = partitions.length - shown.length
  report.line(`resumed ${job.appId} from ${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`)
  return true
}

/** The pipeline of a file, and the name that its plan has for the store that is asked for. */
async function load(options: RunOptions): Promise<{ readonly pipeline: Pipeline; readonly store: string | null }> {
  const pipeline = await loadPipeline(options.file)
  const wanted = options.show
  if (wanted === null) return { pipeline, store: null }
  const plan = await pipeline.build(options.parameters)
  const stores = plan.subtopologies.flatMap((sub) =>
    sub.kind === 'processing' ? sub.stores.map(({ name }) => name) : [],
  )
  // By its own name, or else by the one that the build function returned it under.
  const store = stores.includes(wanted) ? wanted : plan.queryables.get(wanted)?.name
  if (store !== undefined) return { pipeline, store }
  const known = stores.length === 0 ? 'none' : stores.join(', ')
  throw new StreamError('STORE_UNKNOWN', `--show ${wanted}: the pipeline has no store of this name; it has ${known}`, {
    store: wanted,
  })
}

async function showStore(job: Job, store: string, options: RunOptions, context: CommandContext): Promise<void> {
  const view = job.storeNamed(store)
  const { open, total } = view.partitions
  if (open < total) {
    const rest = open === 0 ? 'none was open here yet, or others have them' : 'the rest is in other processes'
    context.err.write(`${store}: this process has ${open} of ${total} partitions; ${rest}\n`)
  }
  if (options.json) return printJson(view, context.out)
  const { rows, total: entries } = await topEntries(view, options.top)
  const title = `${store}: ${entries.toLocaleString('en')} ${entries === 1 ? 'entry' : 'entries'}`
  const cut = entries > rows.length ? `, the first ${rows.length}` : ''
  await context.out.write(`${title}${cut}\n${rows.length > 0 ? `\n${table(['key', 'value'], rows)}\n` : ''}`)
}
