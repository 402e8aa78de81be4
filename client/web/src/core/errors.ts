// What the code says about bytes from outside that are not what docs/spec demands.

/** Bytes or text from outside that are not well formed; the message names what is wrong. */
export class Malformed extends Error {
  override readonly name: string = 'Malformed';
}
