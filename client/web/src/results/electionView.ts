// What a public page shows of an election, read from the board with every shown entry's inclusion and signature checked
// (docs/spec 3, 4). It counts nothing: the numbers of the result entry are published numbers until somebody verifies.

import { toHex, fromUtf8, type Bytes } from '../core/bytes.ts';
import { readOr } from '../core/errors.ts';
import { CHECKPOINT_LIMIT, openCheckpoint, parseCheckpoint } from '../board/checkpoint.ts';
import { sumStations, type PaperCount, type Reconciliation, type UnitCounts } from '../board/counts.ts';
import { isBallot, parseOfficialEntry, wrongSignatures, type OfficialContent } from '../board/entries.ts';
import { electionId, manifestFaults, type Manifest } from '../board/manifest.ts';
import { parseNote } from '../board/notes.ts';
import { policyFromManifest, type TrustPolicy } from '../board/policy.ts';
import { Unreachable, type BoardSource } from '../board/source.ts';
import { CheckedBoard, readEntries, WrongBoard } from './checkedBoard.ts';
import { phaseAfter, type Phase } from './stage.ts';
import { WIDTH } from './treeEdge.ts';

export interface Cosigner {
  readonly name: string;
  /** POSIX seconds; null: has not cosigned this checkpoint. */
  readonly time: number | null;
}

export interface PublishedResult {
  readonly index: number;
  readonly units: readonly UnitCounts[];
  readonly reconciliation: Omit<Reconciliation, 'entries'>;
}

export interface ElectionView {
  readonly location: string;
  readonly manifest: Manifest;
  /** Of the manifest entry, lower-case hex. */
  readonly electionId: string;
  /** The link named the id, and it is this one. */
  readonly idGiven: boolean;
  readonly policy: TrustPolicy;
  /** `root` in lower-case hex; `text` is the whole note. */
  readonly checkpoint: { readonly size: number; readonly root: string; readonly text: string };
  readonly cosigners: readonly Cosigner[];
  readonly phase: Phase;
  readonly closing: { readonly index: number; readonly ballots: number } | null;
  /** Guardians with a partial decryption on the board. */
  readonly partials: number;
  readonly papers: readonly PaperCount[];
  readonly result: PublishedResult | null;
}

/**
 * Reads an election's state and published result from its board.
 *
 * `election` is the election id of the reader's link in lower-case hex, or null. Throws Unreachable if the board does
 * not answer, WrongBoard or Malformed if what it says does not hold together.
 */
export async function readElection(source: BoardSource, election: string | null): Promise<ElectionView> {
  const raw = await source.read('checkpoint', CHECKPOINT_LIMIT);
  if (!raw) throw new Unreachable(`${source.location} has no checkpoint`);
  // What the first bundle's width is; nothing of it is believed before the board's key is known from the manifest.
  const { size } = parseCheckpoint(parseNote(raw).text);
  if (size === 0) throw new WrongBoard('the board has no entry yet');
  const entry = (await readEntries(source, 0, Math.min(size, WIDTH)))[0] as Bytes;
  const id = toHex(electionId(entry));
  if (election !== null && id !== election) {
    throw new WrongBoard(`the board is that of election ${id}, the link names ${election}`);
  }
  const manifest = readManifest(entry);
  const policy = policyFromManifest(entry);
  const checkpoint = openCheckpoint(raw, policy.board, policy.witnesses);
  const board = await CheckedBoard.open(source, checkpoint.size, checkpoint.root);
  if (toHex(electionId((await board.entries(0))[0] as Bytes)) !== id) throw new WrongBoard('entry 0 changed meanwhile');
  const end = await readEnd(board, manifest, id);
  return {
    location: source.location,
    manifest,
    electionId: id,
    idGiven: election !== null,
    policy,
    checkpoint: { size: checkpoint.size, root: toHex(checkpoint.root), text: fromUtf8(raw) },
    cosigners: policy.witnesses.map(({ name }) => {
      const own = checkpoint.cosignatures.find((one) => one.name === name);
      return { name, time: own === undefined ? null : Number(own.time) };
    }),
    ...end,
  };
}

function readManifest(entry: Bytes): Manifest {
  const official = parseOfficialEntry(entry);
  if (official.content.kind !== 'manifest') throw new WrongBoard('entry 0 is no manifest');
  const [fault] = manifestFaults(official.content);
  const wrong = fault ?? wrongSignatures(official, official.content);
  if (wrong !== null) throw new WrongBoard(`the manifest: ${wrong}`);
  return official.content;
}

type End = Pick<ElectionView, 'phase' | 'closing' | 'partials' | 'papers' | 'result'>;

interface Official {
  readonly index: number;
  readonly content: OfficialContent;
}

/**
 * From the end of the board back to the entry that settles its phase: the closing, a ballot, or an entry of the setup.
 * Of what stands twice the first counts, as for a verifier.
 */
async function readEnd(board: CheckedBoard, manifest: Manifest, id: string): Promise<End> {
  const officials: Official[] = [];
  let phase: Phase = 'setup';
  let closing: Official | null = null;
  search: for (let bundle = board.bundles - 1; bundle >= 0; bundle -= 1) {
    const entries = await board.entries(bundle);
    for (let place = entries.length - 1; place >= 0; place -= 1) {
      const raw = entries[place] as Bytes;
      const content = readOfficial(raw, manifest, id);
      const reached = content === null ? (isBallot(raw) ? 'voting' : null) : phaseAfter(content.kind);
      if (content !== null) officials.unshift({ index: bundle * WIDTH + place, content });
      if (reached === null) continue;
      if (phase === 'setup') phase = reached;
      if (content?.kind === 'closing') closing = officials[0] ?? null;
      // Whatever stands after the closing, ballots too, does not lead back before it.
      if (phase !== 'tally' || content?.kind === 'closing' || (content !== null && reached !== 'tally')) break search;
    }
  }
  const after = officials.filter(({ index }) => closing !== null && index > closing.index);
  return { phase, ...published(after), closing: closingOf(closing) };
}

/** An official's entry of this election with right signatures; null for everything else, which has no effect. */
function readOfficial(raw: Bytes, manifest: Manifest, id: string): OfficialContent | null {
  const official = isBallot(raw)
    ? null
    : readOr(
        () => parseOfficialEntry(raw),
        () => null,
      );
  if (official === null) return null;
  const { content } = official;
  if (content.kind !== 'manifest' && toHex(content.election) !== id) return null;
  return wrongSignatures(official, manifest) === null ? content : null;
}

function closingOf(closing: Official | null): End['closing'] {
  if (closing?.content.kind !== 'closing') return null;
  return { index: closing.index, ballots: closing.content.ballots };
}

function published(officials: readonly Official[]): Pick<End, 'partials' | 'papers' | 'result'> {
  const guardians = new Set<number>();
  const papers = new Map<string, PaperCount>();
  let result: PublishedResult | null = null;
  for (const { index, content } of officials) {
    if (content.kind === 'partial-decryption') guardians.add(content.guardian);
    if (content.kind === 'paper-count') {
      const name = `${content.district}/${content.contest}`;
      if (!papers.has(name)) papers.set(name, sumStations(content, content.stations));
    }
    if (content.kind === 'result' && result === null) {
      const { credentials, voted, accepted, superseded, counted, refused, units } = content;
      result = { index, units, reconciliation: { credentials, voted, accepted, superseded, counted, refused } };
    }
  }
  return { partials: guardians.size, papers: [...papers.values()], result };
}
