// Session identifiers and challenges of draft-irtf-cfrg-fiat-shamir (docs/spec 2.2).
import { leToBigint, utf8, type Bytes } from './bytes.ts';
import { DuplexSponge } from './sponge.ts';

/** Extra bytes that bound the bias of a reduced challenge to 2^-128. */
const OVERSAMPLING = 16;

const SESSION_IDS = utf8('irtf-cfrg-fiat-shamir/session-id');

/** DeriveSessionID: 32 bytes that stand for the tag. */
export const deriveSessionId = (tag: Bytes): Bytes => new DuplexSponge(SESSION_IDS).absorb(tag).squeeze(32);

/** DecodeUint of the bytes squeezed for one integer below the modulus: little-endian whatever the group. */
export function decodeUint(squeezed: Bytes, modulus: bigint): bigint {
  const wanted = Math.ceil((modulus - 1n).toString(2).length / 8) + OVERSAMPLING;
  if (squeezed.length !== wanted) throw new RangeError(`${squeezed.length} squeezed bytes instead of ${wanted}`);
  return leToBigint(squeezed) % modulus;
}

/** DeriveChallenge, for scalars of 32 bytes: from the tag, the serialised instance (in parts) and the commitment. */
export function deriveChallenge(tag: Bytes, instance: readonly Bytes[], commitment: Bytes, order: bigint): bigint {
  const sponge = new DuplexSponge(deriveSessionId(tag));
  for (const part of instance) sponge.absorb(part);
  return leToBigint(sponge.absorb(commitment).squeeze(32 + OVERSAMPLING)) % order;
}
