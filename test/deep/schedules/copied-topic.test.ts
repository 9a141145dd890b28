import { copiedTopic } from '../../schedules/copied-topic.ts'
import { scheduleSuite } from '../../schedules/suite.ts'

scheduleSuite(copiedTopic, 220, 10_000)
