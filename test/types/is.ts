/** Exactly the same type: `any`, a lost `readonly` or a widened literal is another one. */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** `is<Expected>()(actual)` compiles only where the inferred type is exactly the expected one. Never runs. */
export declare function is<Expected>(): <Actual>(
  actual: Actual,
  ...same: Equal<Actual, Expected> extends true ? [] : [expected: Expected]
) => void
