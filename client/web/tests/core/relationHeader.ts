// Serialised instances read back, for vectors that give them: docs/spec and its verifiers never read one.
import { leToBigint, type Bytes } from '../../src/core/bytes.ts';
import {
  compileRelation,
  decodeRelation,
  type Equation,
  type Group,
  type LinearRelation,
} from '../../src/core/linearRelation.ts';
import { Malformed } from '../../src/core/errors.ts';

/** The instance; Malformed if it is not acceptable. */
export function parseRelation<Element>(group: Group<Element>, raw: Bytes): LinearRelation<Element> {
  let at = 0;
  const take = (length: number): Bytes => {
    if (at + length > raw.length) throw new Malformed('a truncated relation');
    at += length;
    return raw.subarray(at - length, at);
  };
  const number = (): number => Number(leToBigint(take(4)));
  const coefficient = (): bigint => group.decodeScalar(take(group.scalarLength));
  const list = <Item>(item: () => Item): Item[] => {
    const count = number();
    if (count > raw.length) throw new Malformed('a relation longer than its bytes');
    return Array.from({ length: count }, item);
  };
  const equations: Equation[] = list(() => ({
    image: list(() => ({ element: number(), coefficient: coefficient() })),
    terms: list(() => ({ scalar: number(), element: number(), coefficient: coefficient() })),
  }));
  return decodeRelation(compileRelation(group, equations), raw.subarray(at));
}
