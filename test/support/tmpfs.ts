import { spawnSync } from 'node:child_process'

/** Whether this process may mount a small disk of its own: as root, and where the system lets it. */
export function mayMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  return spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0
}
