/**
 * How often does each word occur in a set of texts?
 *
 * Reads     lines of text files, through the source connector `texts` (no keys, text)
 * Re-keys   by word, through the repartition topic of `word`
 * Keeps     store `word-counts`: word (text) -> count (int64)
 * Writes    topic `word-counts`, or the one given: word (text) -> count (int64), the last count of each commit
 *
 * Parameters: `files`, one or more globs (with commas between them); `output`, the name of the topic.
 */
import { int64, pipeline, text, topic } from 'millrace'
import { textFiles } from 'millrace/connectors/files'
import { mergeMap } from 'rxjs'
import { z } from 'zod'

/** Texts that are there on every machine: the documents of this project, and those of the packages that it uses. */
const texts = ['{*.md,docs/**/*.md,LICENSE}', 'node_modules/**/{*.md,LICENSE*,LICENCE*,license}']

const parameters = z.object({
  files: z.union([z.string(), z.array(z.string())]).default(texts),
  output: z.string().default('word-counts'),
})

export default pipeline('word-count', { parameters }, ({ stream, parameters: { files, output } }) => {
  const counts = stream(textFiles('texts', { files, replaced: 'ignore' }))
    .pipe(mergeMap((line) => line.toLowerCase().match(/\p{L}+/gu) ?? []))
    .filter((word) => word.length > 1)
    .keyBy('word', (word) => word)
    .count('word-counts')
  counts.to(topic(output, { key: text, value: int64 }))
  return { counts }
})
