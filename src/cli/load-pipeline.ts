import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { register as registerCommonJs } from 'tsx/cjs/api'
import { register } from 'tsx/esm/api'
import { messageOf, StreamError } from '../core/errors.ts'
import { isPipeline, type Pipeline } from '../dsl/pipeline.ts'

/**
 * Imports a pipeline file, TypeScript or JavaScript. Types are taken away, not checked (X26).
 *
 * @throws {StreamError} `PIPELINE_NOT_FOUND`, or `PIPELINE_INVALID` for a file that does not compile, throws while it is
 * imported, or has no pipeline as its default export
 */
export async function loadPipeline(file: string): Promise<Pipeline> {
  const path = resolve(file)
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) {
    throw new StreamError(
      'PIPELINE_NOT_FOUND',
      `there is no pipeline file ${path}; give the path of a .ts or .js file`,
      {
        path,
      },
    )
  }
  if (!found.isFile() || !/\.[cm]?[jt]sx?$/.test(path)) {
    throw new StreamError('PIPELINE_NOT_FOUND', `${path} is no pipeline file; give the path of a .ts or .js file`, {
      path,
    })
  }
  // Places in errors are those of the file, not of what it was compiled to.
  process.setSourceMapsEnabled(true)
  // register, never tsImport: that one would give the pipeline a second copy of this package.
  // CommonJS as well: a file in a folder without "type": "module" is taken for it.
  const unregister = register()
  const unregisterCommonJs = registerCommonJs()
  let imported: { readonly default?: unknown }
  try {
    imported = await import(pathToFileURL(path).href)
  } catch (error) {
    throw new StreamError('PIPELINE_INVALID', `the pipeline file ${path} cannot be imported: ${firstLines(error)}`, {
      path,
      cause: error,
    })
  } finally {
    unregisterCommonJs()
    await unregister()
  }
  const exported = unwrap(imported.default)
  if (isPipeline(exported)) return exported
  throw new StreamError(
    'PIPELINE_INVALID',
    `the pipeline file ${path} has ${exported === undefined ? 'no default export' : 'a default export that is not a pipeline'}; end it with export default pipeline('name', ...)`,
    { path },
  )
}

/** A file that is taken as CommonJS has its default export one level further down. */
function unwrap(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && !isPipeline(value) && 'default' in value) return value.default
  return value
}

/** Compilers say the place first and the fault in the next line. */
function firstLines(error: unknown): string {
  return messageOf(error).split('\n').slice(0, 3).join(' ').replaceAll(/\s+/g, ' ').trim()
}
