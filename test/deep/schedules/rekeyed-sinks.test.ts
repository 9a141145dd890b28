import { rekeyedSinks } from '../../schedules/rekeyed-sinks.ts'
import { scheduleSuite } from '../../schedules/suite.ts'

scheduleSuite(rekeyedSinks, 220, 10_000)
