import { mergedTable } from '../../schedules/merged-table.ts'
import { scheduleSuite } from '../../schedules/suite.ts'

scheduleSuite(mergedTable, 220, 10_000)
