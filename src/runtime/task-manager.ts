import { commitStartPositions, readStartPositions } from '../checkpoint/start-positions.ts'
import { unlessAborted } from '../core/abort.ts'
import { allDone } from '../core/all-done.ts'
import { StreamError } from '../core/errors.ts'
import { parseTaskId, type TaskId } from '../core/task-id.ts'
import type { AssignmentData } from '../kafka/assignment.ts'
import type { SubTopology } from '../topology/plan.ts'
import { ProcessingTask } from './processing-task.ts'
import { SinkTask } from './sink-task.ts'
import { SourceTask } from './source-task.ts'
import type { Task } from './task.ts'
import type { ThreadContext } from './thread-context.ts'

/** Turns assignments into tasks: closes what is gone, keeps what stays, opens what is new (A2 to A5). */
export class TaskManager {
  private readonly context: ThreadContext
  private readonly onOpened: (resumed: ReadonlyMap<string, number>) => void
  private readonly tasks = new Map<string, Task>()
  private order: Task[] = []
  /** The last assignment, to be opened again after a reset. */
  assignment: AssignmentData | null = null

  /** @param onOpened told of the committed offsets that newly opened tasks go on from, by `topic-partition` */
  constructor(context: ThreadContext, onOpened: (resumed: ReadonlyMap<string, number>) => void) {
    this.context = context
    this.onOpened = onOpened
  }

  /** Tasks in the order in which they take turns. */
  get running(): readonly Task[] {
    return this.order
  }

  /** The same by name. */
  get byName(): ReadonlyMap<string, Task> {
    return this.tasks
  }

  /** Whether a task should be committed early. */
  get isFull(): boolean {
    return this.order.some((task) => task.isFull)
  }

  /** The task whose turn it is; the one behind it is next. */
  next(): Task | undefined {
    const task = this.order.shift()
    if (task) this.order.push(task)
    return task
  }

  /** Whether this process has to wait while others work: then nothing that others have committed says that all is done. */
  get waits(): boolean {
    return this.assignment?.waits != null
  }

  /** Opens the tasks of an assignment. On an error nothing of it runs: `closeAll` follows. */
  async assign(assignment: AssignmentData): Promise<void> {
    if (assignment.waits !== null) this.context.app.ports.logger.warn(assignment.waits)
    const wanted = new Set(assignment.tasks)
    const gone = [...this.tasks.values()].filter((task) => !wanted.has(task.name))
    for (const task of gone) this.tasks.delete(task.name)
    // Side by side: each may have a connector that has to be waited for.
    await allDone(gone.map((task) => task.close()))
    const fresh = assignment.tasks.filter((name) => !this.tasks.has(name)).map((name) => this.create(name))
    for (const task of fresh) this.tasks.set(task.name, task)
    this.order = [...this.tasks.values()]
    if (fresh.length === 0) return
    const { app, producer, group } = this.context
    // A stop does not wait for brokers: what was only read is lost to nobody, and start positions are committed or not.
    const inputs = fresh.flatMap((task) => task.inputs)
    const positions = await unlessAborted(readStartPositions(app, inputs), app.signal)
    // Behind the positions: a store that began before they were committed is known to have begun.
    await app.control.refresh()
    // Settled, not all: a task that is still opening must not be closed under its feet.
    await allDone(fresh.map((task) => task.open(positions)))
    const starts = fresh.flatMap((task) => task.start(positions))
    await unlessAborted(commitStartPositions(app, producer, group(), starts), app.signal)
    const resumed = [...positions].filter(([, position]) => !position.isNew)
    this.onOpened(new Map(resumed.map(([key, position]) => [key, position.offset])))
  }

  /** Closes every task, keeping nothing uncommitted. */
  async closeAll(): Promise<void> {
    const all = [...this.tasks.values()]
    this.tasks.clear()
    this.order = []
    const closed = await Promise.allSettled(all.map((task) => task.close()))
    for (const result of closed) {
      if (result.status === 'rejected') {
        this.context.app.ports.logger.warn('a task did not close cleanly', { reason: String(result.reason) })
      }
    }
  }

  private create(name: string): Task {
    const id = parseTaskId(name)
    const sub = id === null ? undefined : this.context.plan.subtopologies.find((one) => one.name === id.subtopology)
    if (id === null || sub === undefined) {
      throw new StreamError(
        'PLAN_CHANGED',
        `this process was given the task ${name}, which its pipeline does not have; stop the processes with another version of it`,
      )
    }
    return createTask(this.context, sub, id)
  }
}

function createTask(context: ThreadContext, sub: SubTopology, id: TaskId): Task {
  switch (sub.kind) {
    case 'source':
      return new SourceTask(context, sub, id)
    case 'processing':
      return new ProcessingTask(context, sub, id)
    case 'sink':
      return new SinkTask(context, sub, id)
  }
}
