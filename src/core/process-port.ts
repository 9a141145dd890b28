/** Port 7: the process around a job. */
export interface ProcessPort {
  /** Ends the process. Never returns. */
  exit(code: number): never
  /** Calls `handle` for each SIGINT and SIGTERM. @returns what takes the handler off again */
  onStopSignal(handle: (signal: 'SIGINT' | 'SIGTERM') => void): () => void
  /** The id of this process, for lock files and messages. */
  readonly pid: number
}

/** The real process. */
export const nodeProcess: ProcessPort = {
  exit: (code) => process.exit(code),
  onStopSignal(handle) {
    const interrupted = () => handle('SIGINT')
    const terminated = () => handle('SIGTERM')
    process.on('SIGINT', interrupted)
    process.on('SIGTERM', terminated)
    return () => {
      process.off('SIGINT', interrupted)
      process.off('SIGTERM', terminated)
    }
  },
  pid: process.pid,
}
