// From voter codes to a credential (docs/spec 5.6): each registrar's code gives a part of the secret.
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concat, le, utf8, type Bytes } from './bytes.ts';
import { Malformed } from './errors.ts';
import { encodePoint, modOrder, multiplyBase, wideScalar } from './group.ts';

/** c_r of the 15 bytes of registrar r's code, r counted from 1. */
export function codePart(code: Bytes, electionId: Bytes, registrar: number): bigint {
  const info = concat(utf8('RETALLY-V01-credential'), le(registrar, 4));
  return wideScalar(hkdf(sha512, code, electionId, info, 64));
}

/** The secret c and the credential C of one code from each registrar, in their order. */
export function credentialOf(codes: readonly Bytes[], electionId: Bytes): { secret: bigint; credential: Bytes } {
  const parts = codes.map((code, at) => codePart(code, electionId, at + 1));
  const secret = modOrder(parts.reduce((sum, part) => sum + part, 0n));
  if (secret === 0n) throw new Malformed('codes whose credential is the identity');
  return { secret, credential: encodePoint(multiplyBase(secret)) };
}
