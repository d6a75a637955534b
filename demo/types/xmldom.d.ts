// The package's own types bring in the whole DOM, which no process here has.
export type DOMParser = object;
export type Options = object;
