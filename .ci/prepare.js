// npm's `prepare` step: builds dist, so that `npm ci && npm start` works.
// Without TypeScript (`npm ci --omit=dev`) there is nothing to build with: then a dist that is there must do.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** The compiler's path, or null where it is not installed. */
function compiler() {
  try {
    return createRequire(import.meta.url).resolve('typescript/bin/tsc')
  } catch {
    return null
  }
}

const tsc = compiler()
if (tsc) {
  const { status, error } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) {
    console.error(
      `prepare: dist was not built (${error?.message ?? `tsc ended with ${status}`}); mend the errors above`,
    )
    process.exit(1)
  }
} else if (!existsSync(join(root, 'dist/src/cli/main.js'))) {
  console.error(
    'prepare: dist is not there and TypeScript is not installed to build it; ' +
      'run `npm ci` without --omit=dev once, after that `npm prune --omit=dev` is fine',
  )
  process.exit(1)
}
