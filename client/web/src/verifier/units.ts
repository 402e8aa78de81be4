// Reporting units: which districts are counted together, and whether at all (docs/spec 7.2).
import type { UnitState } from '../board/counts.ts';

/** Districts that are reported together, in the manifest's order. */
export interface Unit {
  readonly districts: readonly string[];
  readonly state: UnitState;
  readonly counted: number;
}

interface Districts {
  readonly districts: readonly { readonly id: string; readonly merge: string | null }[];
  readonly smallest_unit: number;
}

/** One ballot alone is never decrypted, whatever the manifest says. */
export function smallestReported(manifest: Districts): number {
  return Math.max(2, manifest.smallest_unit);
}

/** 7.2 from the number of counted ballots by district. */
export function formUnits(manifest: Districts, counted: ReadonlyMap<string, number>): Unit[] {
  const smallest = smallestReported(manifest);
  const of = (district: string) => counted.get(district) ?? 0;
  // Union-find: the first district in the manifest's order stands for its set.
  const position = new Map(manifest.districts.map(({ id }, index) => [id, index]));
  const parent = manifest.districts.map((_, index) => index);
  const first = (index: number): number => {
    let at = index;
    while (parent[at] !== at) at = parent[at] = parent[parent[at] as number] as number;
    return at;
  };
  manifest.districts.forEach(({ id, merge }, index) => {
    if (merge === null || of(id) === 0 || of(id) >= smallest) return;
    const one = first(index);
    const other = first(position.get(merge) as number);
    parent[Math.max(one, other)] = Math.min(one, other);
  });
  const sets = new Map<number, string[]>();
  manifest.districts.forEach(({ id }, index) => {
    const members = sets.get(first(index));
    if (members) members.push(id);
    else sets.set(first(index), [id]);
  });
  return [...sets.values()].map((districts) => {
    const total = districts.reduce((sum, district) => sum + of(district), 0);
    return { districts, state: total === 0 ? 'empty' : total < smallest ? 'withheld' : 'reported', counted: total };
  });
}
