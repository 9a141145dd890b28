import { copiedTopic } from './copied-topic.ts'
import { mergedTable } from './merged-table.ts'
import { rekeyedSinks } from './rekeyed-sinks.ts'
import type { Scenario } from './scenario.ts'
import { waitingPipe } from './waiting-pipe.ts'
import { wordCount } from './word-count.ts'

/** All shapes that are run under schedules. */
export const scenarios: readonly Scenario[] = [wordCount, copiedTopic, mergedTable, rekeyedSinks, waitingPipe]
