// V04, first half: every entry is written by its key, in its phase and in its order (docs/spec 4.6, 8.1).
// "Once", "after" and "before" speak of entries in force: a refused one may be followed by a right one (8.3).
import type { EntryOf, OfficialContent } from '../board/entries.ts';
import { Broken, demand } from './checks.ts';
import { phaseOf, type BoardPhase, type ElectionState } from './state.ts';

type Kind = OfficialContent['kind'] | 'ballot';

const PHASES: Readonly<Record<Kind, readonly BoardPhase[]>> = {
  manifest: [],
  'guardian-commitment': ['setup'],
  'guardian-shares': ['setup'],
  'guardian-complaint': ['setup'],
  'guardian-answer': ['setup'],
  'guardian-confirmation': ['setup'],
  'roll-commitment': ['setup'],
  roll: ['setup'],
  'roll-revocation': ['setup', 'voting'],
  'roll-replacement': ['setup', 'voting'],
  opening: ['setup'],
  ballot: ['voting'],
  closing: ['voting'],
  'paper-count': ['tally'],
  'partial-decryption': ['tally'],
  result: ['tally'],
};

/** Why a `kind` may not be written in a phase; null if it may. */
export function wrongPhase(phase: BoardPhase, kind: Kind): string | null {
  const allowed = PHASES[kind];
  if (allowed.includes(phase)) return null;
  return `a ${kind} belongs to ${allowed.join(' or ') || 'index 0 only'}, the board is in ${phase}`;
}

/** Phase and order of an official's entry, whose signatures are right. Throws Broken. */
export function v04PhaseAndOrder(state: ElectionState, content: OfficialContent): void {
  const phase = wrongPhase(phaseOf(state), content.kind);
  if (phase !== null) throw new Broken('V04', phase);
  const disorder = outOfOrder(state, content);
  if (disorder !== null) throw new Broken('V04', disorder);
}

export function pair(accuser: number, accused: number): string {
  return `${accuser}>${accused}`;
}

export function paperOf(content: { readonly district: string; readonly contest: string }): string {
  return `${content.district} ${content.contest}`;
}

function outOfOrder(state: ElectionState, content: OfficialContent): string | null {
  switch (content.kind) {
    case 'guardian-commitment':
    case 'guardian-shares':
    case 'guardian-complaint':
    case 'guardian-answer':
    case 'guardian-confirmation':
      return ceremonyOutOfOrder(state, content);
    case 'roll-commitment':
    case 'roll':
    case 'roll-revocation':
    case 'roll-replacement':
    case 'opening':
      return rollOutOfOrder(state, content);
    case 'paper-count':
    case 'result':
      return tallyOutOfOrder(state, content);
    case 'manifest':
    case 'closing':
    case 'partial-decryption':
      return null;
  }
}

type Ceremony =
  'guardian-commitment' | 'guardian-shares' | 'guardian-complaint' | 'guardian-answer' | 'guardian-confirmation';

function ceremonyOutOfOrder(state: ElectionState, content: EntryOf<Ceremony>): string | null {
  const { ceremony, manifest } = state;
  const guardians = manifest.guardians.keys.length;
  switch (content.kind) {
    case 'guardian-commitment':
      return (
        ceremonyOver(state) ??
        (ceremony.commitments.has(content.guardian) ? `second commitment of guardian ${content.guardian}` : null)
      );
    case 'guardian-shares':
      if (ceremony.commitments.size < guardians) {
        return `shares before all commitments (${ceremony.commitments.size} of ${guardians})`;
      }
      return (
        ceremonyOver(state) ??
        (ceremony.shares.has(content.guardian) ? `second shares of guardian ${content.guardian}` : null)
      );
    case 'guardian-complaint':
      return ceremonyOver(state) ?? complaintOutOfOrder(state, content.guardian, content.against);
    case 'guardian-answer': {
      const answered = pair(content.complainant, content.guardian);
      if (!ceremony.complaints.has(answered)) {
        return `guardian ${content.guardian} answers guardian ${content.complainant}, who did not complain`;
      }
      return (
        ceremonyOver(state) ??
        (ceremony.answers.has(answered)
          ? `second answer of guardian ${content.guardian} to guardian ${content.complainant}`
          : null)
      );
    }
    case 'guardian-confirmation': {
      if (ceremony.shares.size < guardians) {
        return `confirmation before all shares (${ceremony.shares.size} of ${guardians})`;
      }
      const unanswered = ceremony.complaints.size - ceremony.answers.size;
      if (unanswered > 0) return `confirmation while ${unanswered} complaints are unanswered`;
      return ceremony.confirmations.has(content.guardian)
        ? `second confirmation of guardian ${content.guardian}`
        : null;
    }
  }
}

function ceremonyOver({ ceremony }: ElectionState): string | null {
  return ceremony.confirmations.size > 0 ? 'the ceremony is over: a guardian has confirmed it' : null;
}

function complaintOutOfOrder({ ceremony }: ElectionState, accuser: number, accused: number): string | null {
  if (accuser === accused) return `guardian ${accuser} complains against itself`;
  if (!ceremony.shares.has(accused)) return `complaint before the shares of guardian ${accused}`;
  return ceremony.complaints.has(pair(accuser, accused))
    ? `second complaint of guardian ${accuser} against guardian ${accused}`
    : null;
}

type Roll = 'roll-commitment' | 'roll' | 'roll-revocation' | 'roll-replacement' | 'opening';

function rollOutOfOrder({ ceremony, roll, manifest }: ElectionState, content: EntryOf<Roll>): string | null {
  switch (content.kind) {
    case 'roll-commitment':
      return roll.registrars.has(content.registrar) ? `second roll-commitment of registrar ${content.registrar}` : null;
    case 'roll': {
      const registrars = manifest.registrars.length;
      if (roll.registrars.size < registrars) {
        return `roll before all roll-commitments (${roll.registrars.size} of ${registrars})`;
      }
      const next = roll.registrars.get(content.registrar)?.styles.length ?? 0;
      return content.first === next
        ? null
        : `registrar ${content.registrar} continues at position ${content.first} instead of ${next}`;
    }
    case 'roll-revocation':
    case 'roll-replacement':
      return roll.complete ? null : `${content.kind} before the roll is complete`;
    case 'opening': {
      const guardians = manifest.guardians.keys.length;
      if (ceremony.confirmations.size < guardians) {
        return `opening before all confirmations (${ceremony.confirmations.size} of ${guardians})`;
      }
      return roll.complete ? null : 'opening before the roll is complete';
    }
  }
}

function tallyOutOfOrder(
  { tally, manifest }: ElectionState,
  content: EntryOf<'paper-count'> | EntryOf<'result'>,
): string | null {
  const decrypted = tally.partials.size;
  if (content.kind === 'paper-count') {
    if (tally.papers.has(paperOf(content))) {
      return `second paper-count of district ${content.district}, contest ${content.contest}`;
    }
    return content.late === decrypted > 0 ? null : `late is ${content.late} after ${decrypted} partial-decryptions`;
  }
  if (tally.result !== null) return 'second result';
  const { threshold } = manifest.guardians;
  return decrypted >= threshold ? null : `result after ${decrypted} of ${threshold} partial-decryptions`;
}

/** A paper count stands in its phase and order: it has no check of its own. */
export function takePaperCount(state: ElectionState, content: OfficialContent & { kind: 'paper-count' }): void {
  demand('V04', !state.tally.papers.has(paperOf(content)), 'second paper-count');
  state.tally.papers.set(paperOf(content), content);
}
