/**
 * Thrown when a dump turns out to be one that only the plain client, from its first line on, loads as it is meant. The
 * import begins anew with that.
 */
export class OnlyPlain extends Error {}
