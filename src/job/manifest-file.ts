import { StreamError } from '../core/errors.ts'
import type { FileSystem } from '../core/file-system.ts'
import type { Logger } from '../core/logger.ts'
import { encodingConflicts, type Manifest } from '../topology/manifest.ts'

/** The manifest of the plan that ran last in an application's directory (D8). */
export class ManifestFile {
  private readonly path: string
  private readonly files: FileSystem
  private readonly logger: Logger

  /** @param directory of the application */
  constructor(directory: string, files: FileSystem, logger: Logger) {
    this.path = `${directory}/manifest.json`
    this.files = files
    this.logger = logger
  }

  /**
   * Whether a plan can go on where the last one was.
   * @throws {StreamError} `PLAN_CHANGED` naming every topic that it would misread
   */
  async check(now: Manifest): Promise<void> {
    const before = await this.read()
    const conflicts = before === null ? [] : encodingConflicts(before, now)
    if (conflicts.length === 0) return
    throw new StreamError(
      'PLAN_CHANGED',
      `the pipeline ${now.pipeline} cannot read what ${now.appId} has written so far: ${conflicts.join('; ')}; go back to the earlier encoding, or give another application id (--app-id), which reads all inputs again`,
      { path: this.path },
    )
  }

  /** Remembers the plan that runs from now on. */
  async write(manifest: Manifest): Promise<void> {
    await this.files.writeText(this.path, `${JSON.stringify(manifest, null, 2)}\n`)
  }

  private async read(): Promise<Manifest | null> {
    if ((await this.files.stat(this.path)) === null) return null
    const text = await this.files.readText(this.path)
    try {
      const found = JSON.parse(text) as Manifest
      if (found.format === 1 && Array.isArray(found.topics)) return found
    } catch {
      // What it says is all the same: it is not ours.
    }
    this.logger.warn('the manifest of the last run cannot be read; it is written anew', { path: this.path })
    return null
  }
}
