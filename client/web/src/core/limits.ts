// Limits that several pages of the specification share.

/** Bytes of an entry, and so of any JSON in one (docs/spec 1.1, 3.2): a bundle writes an entry's length in two bytes. */
export const LONGEST_ENTRY = 65_535;
