import { readFileSync } from 'node:fs'

const scripts = (
  JSON.parse(readFileSync('package.json', 'utf8')) as { readonly scripts: { readonly millrace: string } }
).scripts

/** What `npm run millrace` gives to Node: what is measured runs as it is shipped. */
export const nodeFlags: readonly string[] = scripts.millrace.match(/--[\w=-]+/g) ?? []
