// V03: entry 0 is the policy's manifest, keeps the rules of 4.1 and is signed by its authority (docs/spec 8.2).
import { equal, toHex, type Bytes } from '../core/bytes.ts';
import { Malformed } from '../core/errors.ts';
import { parseOfficialEntry, wrongSignatures } from '../board/entries.ts';
import { electionId, manifestFaults, type Manifest } from '../board/manifest.ts';
import { formatKey, sameKey } from '../board/notes.ts';
import type { TrustPolicy } from '../board/policy.ts';
import { conclude, noteOf, type Conclusion } from './checks.ts';

export interface V03 {
  readonly conclusion: Conclusion;
  /** null where entry 0 is no manifest at all. */
  readonly manifest: Manifest | null;
}

export function v03Manifest(entry: Bytes | undefined, policy: TrustPolicy): V03 {
  if (entry === undefined) return { conclusion: conclude(['the board has no entry']), manifest: null };
  try {
    const official = parseOfficialEntry(entry);
    const { content } = official;
    if (content.kind !== 'manifest') throw new Malformed(`a ${content.kind}, not a manifest`);
    const faults = [
      ...manifestFaults(content),
      ...signatureFaults(),
      ...policyFaults(content, electionId(entry), policy),
    ];
    return { conclusion: conclude(faults.map(manifestNote)), manifest: content };

    function signatureFaults(): string[] {
      const wrong = wrongSignatures(official, content as Manifest);
      return wrong === null ? [] : [wrong];
    }
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return { conclusion: conclude([manifestNote(error.message)]), manifest: null };
  }
}

const manifestNote = (reason: string): string => noteOf({ index: 0, check: 'V03', reason });

function policyFaults(manifest: Manifest, id: Bytes, policy: TrustPolicy): string[] {
  const faults: string[] = [];
  if (!equal(id, policy.election)) {
    faults.push(`the election id is ${toHex(id)}, the policy names ${toHex(policy.election)}`);
  }
  if (!sameKey(manifest.board, policy.board)) {
    faults.push(`the board's key is ${formatKey(manifest.board)}, the policy names ${formatKey(policy.board)}`);
  }
  const { keys, quorum } = manifest.witnesses;
  const sameWitnesses =
    keys.length === policy.witnesses.length &&
    policy.witnesses.every((key, at) => sameKey(key, keys[at] as typeof key));
  if (!sameWitnesses || quorum !== policy.quorum) faults.push("the witnesses or their quorum are not the policy's");
  return faults;
}
