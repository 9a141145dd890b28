import { scheduleSuite } from '../../schedules/suite.ts'
import { waitingPipe } from '../../schedules/waiting-pipe.ts'

scheduleSuite(waitingPipe, 220, 10_000)
