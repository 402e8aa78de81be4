// V19 and V20: the published result is the recomputed one, for the units that the rule makes (docs/spec 7.2, 7.7, 8.3).
import { equal } from '../core/bytes.ts';
import type { EntryOf } from '../board/entries.ts';
import { Broken, conclude, demand, named, type Conclusion } from './checks.ts';
import type { ElectionState } from './state.ts';
import type { Combination } from './tally.ts';
import { noClosing, v15ResultNumbers } from './v14V15Counting.ts';
import { closingOf, combinationOf, lacking, sameList } from './v16V17V18Decryption.ts';

/** V15, V20, V18 and V19 of a result, in this order. */
export function takeResult(state: ElectionState, content: EntryOf<'result'>): void {
  v15ResultNumbers(state, content);
  const { units } = closingOf(state).counting;
  const sameUnits =
    content.units.length === units.length &&
    content.units.every((unit, at) => {
      const own = units[at];
      return own !== undefined && unit.state === own.state && sameList(unit.districts, own.districts);
    });
  demand('V20', sameUnits, 'the units of the result are not those of the counted ballots');
  const combination = combinationOf(state);
  if (combination === null) throw new Broken('V04', 'a result before k partial decryptions');
  const { notFound, digest } = combination;
  demand('V18', notFound.length === 0, notFound[0] ?? '');
  demand('V18', equal(content.combined, digest), 'combined is not the digest of the decrypted aggregates');
  v19Counts(combination, content);
  state.tally.result = content;
}

function v19Counts(combination: Combination, content: EntryOf<'result'>): void {
  combination.units.forEach((own, at) => {
    const published = content.units[at] as EntryOf<'result'>['units'][number];
    const name = `unit ${own.districts.join(', ')}`;
    demand(
      'V19',
      published.counted === own.counted,
      `${name}: counted is ${published.counted}, ${own.counted} were counted`,
    );
    const sameContests = sameList(
      published.contests.map(({ contest }) => contest),
      own.contests.map(({ contest }) => contest),
    );
    demand('V19', sameContests, `${name}: other contests than its districts have`);
    own.contests.forEach(({ contest, counts }, place) => {
      const claimed = published.contests[place]?.counts ?? [];
      demand(
        'V19',
        sameList<number | null>(claimed, counts),
        `${name}, contest ${contest}: [${claimed.join(', ')}] is not [${counts.join(', ')}]`,
      );
    });
  });
}

export function v19Conclusion(state: ElectionState): Conclusion {
  const missing = lacking(state);
  if (missing.length === 0 && state.tally.result === null) missing.push('no result');
  return conclude(named(state.refusals, 'V19'), missing);
}

export function v20Conclusion(state: ElectionState): Conclusion {
  return conclude(named(state.refusals, 'V20'), noClosing(state));
}
