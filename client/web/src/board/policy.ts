// The trust policy: all that an auditor knows from elsewhere (docs/spec 9.1).
import { fromHex, fromUtf8, toHex, utf8, type Bytes } from '../core/bytes.ts';
import { Malformed } from '../core/errors.ts';
import { parseOfficialEntry } from './entries.ts';
import { areDistinct, electionId, isQuorum } from './manifest.ts';
import { COSIGNATURE, SIGNATURE, formatKey, isValidPublicKey, parseKey, type Key } from './notes.ts';

/** Plain data, which a worker can be sent. */
export interface TrustPolicy {
  /** The election id. */
  readonly election: Bytes;
  /** The name of the board's key. */
  readonly origin: string;
  readonly board: Key;
  readonly witnesses: readonly Key[];
  readonly quorum: number;
}

const HEADER = 'retally-policy/v1';

/** Exactly the lines of 9.1 in their order. Throws Malformed. */
export function parsePolicy(raw: Bytes): TrustPolicy {
  const lines = fromUtf8(raw).split('\n');
  if (lines.shift() !== HEADER || lines.pop() !== '') throw new Malformed('a policy of another form');
  const id = /^election ([0-9a-f]{64})$/u.exec(lines.shift() ?? '')?.[1];
  if (id === undefined) throw new Malformed('a policy without election id');
  const board = parseKey(after('log ', lines.shift()));
  const witnesses: Key[] = [];
  while (lines[0]?.startsWith('witness ')) {
    witnesses.push(parseKey(after(`witness w${witnesses.length + 1} `, lines.shift())));
  }
  const quorum = parseQuorum(lines, witnesses.length);
  return checked({ election: fromHex(id), origin: board.name, board, witnesses, quorum });
}

function after(beginning: string, line: string | undefined): string {
  if (line === undefined || !line.startsWith(beginning)) {
    throw new Malformed(`a policy line that does not begin with ${JSON.stringify(beginning)}`);
  }
  return line.slice(beginning.length);
}

function parseQuorum(lines: readonly string[], witnesses: number): number {
  if (witnesses === 0) {
    if (lines.length === 1 && lines[0] === 'quorum none') return 0;
    throw new Malformed('a policy without witnesses says: quorum none');
  }
  const found = /^group witnesses ([1-9][0-9]?) (.*)$/u.exec(lines[0] ?? '');
  if (lines.length !== 2 || found?.[2] !== namesOf(witnesses) || lines[1] !== 'quorum witnesses') {
    throw new Malformed('a policy without its quorum');
  }
  return Number(found[1]);
}

function namesOf(witnesses: number): string {
  return Array.from({ length: witnesses }, (_, at) => `w${at + 1}`).join(' ');
}

function checked(policy: TrustPolicy): TrustPolicy {
  const { board, witnesses, quorum } = policy;
  if (board.type !== SIGNATURE) throw new Malformed('a policy whose board key is of another type');
  if (witnesses.some(({ type }) => type !== COSIGNATURE)) {
    throw new Malformed('a policy with a witness key of another type');
  }
  for (const { name, publicKey } of [board, ...witnesses]) {
    if (!isValidPublicKey(publicKey)) throw new Malformed(`the key of ${name} is no point of prime order`);
  }
  if (!areDistinct([board, ...witnesses])) throw new Malformed('a policy that names a key twice');
  if (!isQuorum(witnesses.length, quorum)) throw new Malformed('a policy whose quorum is too small');
  return policy;
}

/** The bytes that `parsePolicy` reads. */
export function formatPolicy({ election, board, witnesses, quorum }: TrustPolicy): Bytes {
  const group =
    witnesses.length === 0
      ? ['quorum none']
      : [`group witnesses ${quorum} ${namesOf(witnesses.length)}`, 'quorum witnesses'];
  const lines = [
    HEADER,
    `election ${toHex(election)}`,
    `log ${formatKey(board)}`,
    ...witnesses.map((key, at) => `witness w${at + 1} ${formatKey(key)}`),
    ...group,
  ];
  return utf8(`${lines.join('\n')}\n`);
}

/** What follows from a manifest entry whose hash was compared with the announced election id. Throws Malformed. */
export function policyFromManifest(entry: Bytes): TrustPolicy {
  const { content } = parseOfficialEntry(entry);
  if (content.kind !== 'manifest') throw new Malformed(`a ${content.kind}, not a manifest`);
  const { board, witnesses } = content;
  return checked({
    election: electionId(entry),
    origin: board.name,
    board,
    witnesses: witnesses.keys,
    quorum: witnesses.quorum,
  });
}
