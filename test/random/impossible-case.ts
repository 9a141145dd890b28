/** A case that cannot be run, and why: a candidate of the generator or the shrinker that is passed over. */
export class ImpossibleCase extends Error {}
