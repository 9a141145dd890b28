import { randomSuite } from '../../random/suite.ts'

randomSuite(100, 1000)
