import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** An empty folder of its own below the system's temporary one. `await using` removes it with all that is in it. */
export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string
  /** Idempotent. */
  remove(): Promise<void>
}

/** Makes the folder; `purpose` is part of its name, so that what a killed run left behind can be told apart. */
export async function temporaryDirectory(purpose = 'test'): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), `millrace-${purpose}-`))
  const remove = () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  return { path, remove, [Symbol.asyncDispose]: remove }
}
