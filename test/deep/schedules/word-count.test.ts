import { scheduleSuite } from '../../schedules/suite.ts'
import { wordCount } from '../../schedules/word-count.ts'

scheduleSuite(wordCount, 220, 10_000)
