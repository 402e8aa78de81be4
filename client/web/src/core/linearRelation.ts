// Linear relations (draft-irtf-cfrg-sigma-protocols-03, docs/spec 2.2): what a proof states, when a statement is
// acceptable, and its bytes. Elements and scalars are named by index; element 0 is the generator and is never serialised.
import { concat, le, type Bytes } from './bytes.ts';
import { Malformed } from './errors.ts';

/** A group of prime order with its encodings. Every decoder throws Malformed; `decode` does so for the identity too. */
export interface Group<Element> {
  readonly order: bigint;
  readonly generator: Element;
  readonly identity: Element;
  readonly elementLength: number;
  readonly scalarLength: number;
  decode(raw: Bytes): Element;
  encode(element: Element): Bytes;
  decodeScalar(raw: Bytes): bigint;
  encodeScalar(scalar: bigint): Bytes;
  randomScalar(): bigint;
  add(a: Element, b: Element): Element;
  /** The product with a scalar in 0..order−1 that may be secret. */
  multiply(element: Element, scalar: bigint): Element;
  /** Public data only. */
  msm(elements: readonly Element[], scalars: readonly bigint[]): Element;
  equal(a: Element, b: Element): boolean;
}

/** Coefficients of elements. */
export type Row = readonly { readonly element: number; readonly coefficient: bigint }[];

/** Σ coefficient·element over `image` = Σ coefficient·scalar·element over `terms`. */
export interface Equation {
  readonly image: Row;
  readonly terms: readonly { readonly scalar: number; readonly element: number; readonly coefficient: bigint }[];
}

/** What all instances with the same equations have in common. */
export interface RelationShape<Element> {
  readonly group: Group<Element>;
  readonly equations: readonly Equation[];
  /** The serialised equations: an instance is this and then its elements. */
  readonly header: Bytes;
  readonly elementCount: number;
  readonly scalarCount: number;
  readonly proofLength: number;
  /** Images that are the identity for unlucky elements: at least one row must be looked at in each instance. */
  readonly doubtfulImages: readonly Row[];
  /** Columns of the map, each with one row an equation, of which not all may be the identity. */
  readonly doubtfulColumns: readonly (readonly Row[])[];
}

/** One instance. */
export interface LinearRelation<Element> {
  readonly shape: RelationShape<Element>;
  readonly elements: readonly Element[];
  /** The elements from 1 on. */
  readonly encodings: Bytes;
}

/** Checks 1 to 6 of "Instance validation", and what 9 and 10 say whatever the elements; Malformed if one fails. */
export function compileRelation<Element>(
  group: Group<Element>,
  equations: readonly Equation[],
): RelationShape<Element> {
  demand(
    equations.length > 0 && equations.every(({ image, terms }) => image.length > 0 && terms.length > 0),
    'is empty',
  );
  const rows = equations.flatMap(({ image, terms }) => [...image, ...terms]);
  const elementCount = 1 + largest(rows.map(({ element }) => element));
  const used = new Set(rows.map(({ element }) => element));
  demand(used.size - (used.has(0) ? 1 : 0) === elementCount - 1, 'leaves out an element');
  const scalars = equations.flatMap(({ terms }) => terms.map(({ scalar }) => scalar));
  const scalarCount = 1 + largest(scalars);
  demand(new Set(scalars).size === scalarCount, 'leaves out a scalar');
  const images = equations.map(({ image }) => collect(image, group.order));
  demand(
    images.every((row) => row.length > 0),
    'has an image that is the identity',
  );
  const columns = columnsOf(equations, scalarCount, group.order);
  demand(
    columns.every((column) => column.some((row) => row.length > 0)),
    'has a scalar without effect',
  );
  return {
    group,
    equations,
    header: serializeHeader(group, equations),
    elementCount,
    scalarCount,
    proofLength: group.elementLength * equations.length + group.scalarLength * scalarCount,
    doubtfulImages: images.filter((row) => row.length > 1),
    doubtfulColumns: columns.filter((column) => column.every((row) => row.length !== 1)),
  };
}

function demand(condition: boolean, what: string): void {
  if (!condition) throw new Malformed(`a relation that ${what}`);
}

/** Without spreading: the lists can be long. */
const largest = (numbers: readonly number[]): number => numbers.reduce((most, one) => Math.max(most, one), 0);

/** The sum of the coefficients of each element, without those that vanish. */
export function collect(row: Row, order: bigint): Row {
  const sums = new Map<number, bigint>();
  for (const { element, coefficient } of row) sums.set(element, (sums.get(element) ?? 0n) + coefficient);
  return [...sums]
    .map(([element, sum]) => ({ element, coefficient: ((sum % order) + order) % order }))
    .filter(({ coefficient }) => coefficient !== 0n);
}

function columnsOf(equations: readonly Equation[], count: number, order: bigint): Row[][] {
  const columns: Row[][] = Array.from({ length: count }, () => []);
  for (const { terms } of equations) {
    for (const scalar of new Set(terms.map((term) => term.scalar))) {
      const row = terms.filter((term) => term.scalar === scalar);
      (columns[scalar] as Row[]).push(collect(row, order));
    }
  }
  return columns;
}

function serializeHeader<Element>(group: Group<Element>, equations: readonly Equation[]): Bytes {
  const number = (value: number): Bytes => le(value, 4);
  const coefficientOf = (value: bigint): Bytes =>
    group.encodeScalar(((value % group.order) + group.order) % group.order);
  const written = [number(equations.length)];
  for (const { image, terms } of equations) {
    written.push(number(image.length));
    for (const { element, coefficient } of image) written.push(number(element), coefficientOf(coefficient));
    written.push(number(terms.length));
    for (const { scalar, element, coefficient } of terms) {
      written.push(number(scalar), number(element), coefficientOf(coefficient));
    }
  }
  return concat(...written);
}

/** An instance from its encoded elements (from 1 on); Malformed if one is not well encoded or is the identity. */
export function decodeRelation<Element>(shape: RelationShape<Element>, encodings: Bytes): LinearRelation<Element> {
  const { group, elementCount } = shape;
  demand(encodings.length === group.elementLength * (elementCount - 1), 'has another number of elements');
  return { shape, elements: [group.generator, ...decodeAll(group, encodings)], encodings };
}

/** An instance from its elements (from 1 on). */
export function relationOf<Element>(
  shape: RelationShape<Element>,
  elements: readonly Element[],
): LinearRelation<Element> {
  const { group } = shape;
  demand(elements.length === shape.elementCount - 1, 'has another number of elements');
  return {
    shape,
    elements: [group.generator, ...elements],
    encodings: concat(...elements.map((element) => group.encode(element))),
  };
}

/** Encoded elements one after the other. */
export function decodeAll<Element>(group: Group<Element>, raw: Bytes): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < raw.length; at += group.elementLength) {
    elements.push(group.decode(raw.subarray(at, at + group.elementLength)));
  }
  return elements;
}

/** Checks 8 to 10 of "Instance validation": no element, no image and no whole column is the identity. */
export function isSound<Element>({ shape, elements }: LinearRelation<Element>): boolean {
  const { group } = shape;
  const vanishes = (row: Row): boolean => {
    if (row.length < 2) return row.length === 0;
    const parts = row.map(({ element }) => elements[element] as Element);
    const sum = group.msm(
      parts,
      row.map(({ coefficient }) => coefficient),
    );
    return group.equal(sum, group.identity);
  };
  if (elements.some((element) => group.equal(element, group.identity))) return false;
  return !shape.doubtfulImages.some(vanishes) && !shape.doubtfulColumns.some((column) => column.every(vanishes));
}
