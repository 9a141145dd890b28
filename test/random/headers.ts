import { type Headers, noHeaders } from '../../src/core/record.ts'

/** Headers of a record as a case has them: names may come twice, values may be null. */
export type CaseHeaders = readonly (readonly [name: string, value: string | null])[]

/** As they go over the wire. */
export const wireHeaders = (headers: CaseHeaders | undefined): Headers =>
  headers === undefined
    ? noHeaders
    : headers.map(([name, value]) => [name, value === null ? null : Buffer.from(value)] as const)

/** As they came over the wire. */
export const caseHeaders = (headers: Headers): CaseHeaders =>
  headers.map(([name, value]) => [name, value && Buffer.from(value).toString()] as const)

/** As text; none for none. */
export const shownHeaders = (headers: CaseHeaders): string =>
  headers.map(([name, value]) => ` ${name}:${value}`).join('')
