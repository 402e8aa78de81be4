// What a voter does at the page, for tests: read, encrypt, prove, cast.
import type { Bytes } from '../../src/core/bytes.ts';
import { castEntry, type Outcome } from '../../src/voter/casting.ts';
import { voterOf } from '../../src/voter/codeEntry.ts';
import { OpenedElection, readView, type Standing } from '../../src/voter/reading.ts';
import { SealedBallot } from '../../src/voter/sealedBallot.ts';
import { codesOf, electionHex, FakeServer, FakeStorage } from './fakeServer.ts';

export const openedOf = async (server: FakeServer): Promise<OpenedElection> =>
  OpenedElection.read(await readView(server, electionHex));

export interface AtBooth {
  readonly opened: OpenedElection;
  readonly standing: Standing;
  readonly secret: bigint;
}

export async function enter(server: FakeServer, name: string): Promise<AtBooth> {
  const opened = await openedOf(server);
  const voter = voterOf(codesOf(name), opened.view.electionId, opened.state.roll.credentials);
  const standing = await opened.standing(voter.credential, { means: server.means });
  return { opened, standing, secret: voter.secret };
}

export function sealFor({ opened, standing }: AtBooth, choices: readonly (readonly number[])[]): SealedBallot {
  const { view, jointKey } = opened;
  return new SealedBallot({
    electionId: view.electionId,
    jointKey,
    manifest: view.manifest,
    style: view.manifest.styles[standing.style]!.id,
    credential: standing.credential,
    previous: standing.previous,
    choices,
  });
}

export async function castFor(
  server: FakeServer,
  name: string,
  choices: readonly (readonly number[])[],
  storage: FakeStorage = new FakeStorage(),
): Promise<{ outcome: Outcome; entry: Bytes; at: AtBooth; storage: FakeStorage }> {
  const at = await enter(server, name);
  const entry = sealFor(at, choices).prove(at.secret);
  const outcome = await castEntry(at.opened.view, entry, { storage, means: server.means });
  return { outcome, entry, at, storage };
}
