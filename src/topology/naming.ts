import { StreamError } from '../core/errors.ts'

/** The longest topic name of Kafka. */
const topicLengthMax = 249

const namePattern = /^[A-Za-z0-9._-]{1,200}$/

/**
 * Refuses a name that cannot be part of a topic's or a directory's: user names are part of both.
 *
 * @param what the thing that is named, for the message: `store`, `source`...
 * @throws {StreamError} `PLAN_INVALID`
 */
export function checkName(what: string, name: unknown): asserts name is string {
  if (typeof name === 'string' && namePattern.test(name) && name !== '.' && name !== '..') return
  const found = typeof name === 'string' ? JSON.stringify(name) : typeof name
  throw new StreamError(
    'PLAN_INVALID',
    `${what}: expected a name of 1 to 200 letters, digits, '.', '_' or '-', found ${found}; rename it`,
  )
}

/** Refuses an internal topic whose whole name is longer than Kafka takes. @throws {StreamError} `PLAN_INVALID` */
export function checkTopicLength(topic: string): void {
  if (topic.length > topicLengthMax) {
    throw new StreamError(
      'PLAN_INVALID',
      `topic ${topic}: expected at most ${topicLengthMax} characters, found ${topic.length}; shorten the application id or the name`,
    )
  }
}
