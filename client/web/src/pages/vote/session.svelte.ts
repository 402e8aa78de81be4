// One voter at this page: which step she is at, and what every step leaves for the next. The codes' secret, the choices and
// the encrypted ballot live here in memory only; what is kept beyond it is the entry on its way (src/voter/pending.ts).
import { resolveBoard } from '../../app/router.svelte.ts';
import { toHex, type Bytes } from '../../core/bytes.ts';
import { reasonOf } from '../../core/errors.ts';
import { HttpBoard } from '../../board/source.ts';
import type { Contest } from '../../board/manifest.ts';
import { castEntry, renewReceipt, type Outcome } from '../../voter/casting.ts';
import { blank, contestsOf, type Choices } from '../../voter/choices.ts';
import { voterOf, type Voter } from '../../voter/codeEntry.ts';
import { forgetPending, keepPending, recallPending, type Keeping } from '../../voter/pending.ts';
import {
  NotOnRoll,
  OpenedElection,
  readView,
  refreshView,
  type BoardView,
  type Standing,
} from '../../voter/reading.ts';
import { codeOfEntry, witnessed, type CheckedReceipt } from '../../voter/receipts.ts';
import type { Test } from '../../voter/sealedBallot.ts';
import { sealInWorker } from '../../voter/sealer.ts';
import type { Sealed } from '../../voter/sealing.ts';
import { ownMeans, type Trouble } from '../../voter/server.ts';
import { obstacleOf, type Obstacle } from './obstacle.ts';

export interface Share {
  readonly done: number;
  readonly of: number;
}

export type Step =
  | { readonly at: 'loading' | 'untrusted' | 'resume' | 'codes' | 'standing' | 'review' | 'choose' | 'receipt' }
  | { readonly at: 'stopped'; readonly obstacle: Obstacle }
  | { readonly at: 'reading' | 'sealing' | 'proving'; readonly share: Share | null }
  | { readonly at: 'contest'; readonly index: number }
  | { readonly at: 'tested'; readonly test: Test }
  | {
      readonly at: 'casting';
      readonly stage: 'sending' | 'checking';
      readonly trouble: Trouble | null;
      readonly kept: boolean;
    }
  | { readonly at: 'outcome'; readonly outcome: Exclude<Outcome, { kind: 'recorded' }> };

const LOOK_AGAIN = 5000;

/** The tab's storage; nothing is kept where the browser refuses it. */
const storage: Keeping = {
  getItem: (name) => sessionStorage.getItem(name),
  setItem: (name, value) => sessionStorage.setItem(name, value),
  removeItem: (name) => sessionStorage.removeItem(name),
};

export class VoteSession {
  step = $state.raw<Step>({ at: 'loading' });
  view = $state.raw<BoardView | null>(null);
  standing = $state.raw<Standing | null>(null);
  contests = $state.raw<readonly Contest[]>([]);
  choices = $state.raw<Choices>([]);
  /** Back to the review, not on to the next contest. */
  reviewing = $state(false);
  trackingCode = $state('');
  receipt = $state.raw<CheckedReceipt | null>(null);
  compared = $state(true);
  /** An entry that may have to be sent again. */
  entry = $state.raw<Bytes | null>(null);

  #opened: OpenedElection | null = null;
  #codes: readonly Bytes[] | null = null;
  #voter: Voter | null = null;
  #sealed: Sealed | null = null;
  #clock: ReturnType<typeof setTimeout> | undefined;
  #ended = false;
  readonly #leaving = new AbortController();

  constructor(
    readonly board: string | undefined,
    readonly election: string | undefined,
  ) {}

  get electionHex(): string {
    return this.view === null ? '' : toHex(this.view.electionId);
  }

  /** Reads the election, and goes on with an entry that this tab has under way. */
  async start(): Promise<void> {
    if (this.board === undefined || this.board === '') return this.#stop('noBoard', '');
    this.step = { at: 'loading' };
    try {
      const source = new HttpBoard(resolveBoard(this.board, location.href).href);
      this.view = await readView(source, this.election ?? null);
    } catch (error) {
      return this.#stopFor(error, 'failed');
    }
    if (this.election === undefined) this.step = { at: 'untrusted' };
    else this.trust();
  }

  /** The voter has the right election before her. */
  trust(): void {
    const pending = recallPending(storage, this.electionHex);
    this.entry = pending?.entry ?? null;
    this.step = { at: pending === null ? 'codes' : 'resume' };
  }

  dontResend(): void {
    forgetPending(storage, this.electionHex);
    this.entry = null;
    this.step = { at: 'codes' };
  }

  /** With one code per registrar: whose ballot it is, and what stands under it. */
  async enter(codes: readonly Bytes[]): Promise<void> {
    if (this.view === null) return;
    this.#codes = codes;
    this.step = { at: 'reading', share: null };
    try {
      this.view = await refreshView(this.view);
      const opened = await OpenedElection.read(this.view, (done, of) => this.#share('reading', done, of));
      this.#opened = opened;
      if (opened.closed) return this.#stop('closed', '');
      this.#voter = voterOf(codes, this.view.electionId, opened.state.roll.credentials);
      const standing = await this.#stand(opened, codes);
      if (!standing.active) return this.#stop('inactive', '');
      this.standing = standing;
      this.contests = contestsOf(this.view.manifest, standing.style);
      if (this.choices.length !== this.contests.length) this.choices = this.contests.map(blank);
      this.step = { at: 'standing' };
    } catch (error) {
      if (error instanceof NotOnRoll) this.#stop('notOnRoll', '');
      else this.#stopFor(error, 'distrust');
    }
  }

  /** Reading to the end may find a replaced credential, which makes another order of the codes right. */
  async #stand(opened: OpenedElection, codes: readonly Bytes[]): Promise<Standing> {
    const first = this.#voter as Voter;
    const onProgress = (done: number, of: number): void => this.#share('reading', done, of);
    try {
      return await opened.standing(first.credential, { onProgress });
    } catch (error) {
      if (!(error instanceof NotOnRoll)) throw error;
      this.#voter = voterOf(codes, opened.view.electionId, opened.state.roll.credentials);
      if (this.#voter.secret === first.secret) throw error;
      return opened.standing(this.#voter.credential, { onProgress });
    }
  }

  /** From the board as it is now, with the codes of before where they are still known. */
  async again(): Promise<void> {
    this.entry = null;
    this.#discard();
    if (this.#codes === null) this.step = { at: 'codes' };
    else await this.enter(this.#codes);
  }

  toCodes(): void {
    this.forget();
    this.step = { at: 'codes' };
  }

  fill(index: number, reviewing = false): void {
    this.reviewing = reviewing;
    this.step = { at: 'contest', index };
  }

  /** After contest `index`. */
  next(index: number): void {
    if (this.reviewing || index + 1 >= this.contests.length) this.step = { at: 'review' };
    else this.step = { at: 'contest', index: index + 1 };
  }

  back(index: number): void {
    if (this.reviewing) this.step = { at: 'review' };
    else if (index > 0) this.step = { at: 'contest', index: index - 1 };
    else this.step = { at: 'standing' };
  }

  toReview(): void {
    this.step = { at: 'review' };
  }

  /** Encrypts the choices; the tracking code is there before the voter chooses between test and cast. */
  async seal(): Promise<void> {
    const { view, standing } = this;
    const opened = this.#opened;
    if (view === null || standing === null || opened === null) return;
    this.#discard();
    this.step = { at: 'sealing', share: null };
    try {
      const sealed = await sealInWorker(
        {
          electionId: view.electionId,
          jointKey: opened.jointKey,
          manifest: view.manifest,
          style: (view.manifest.styles[standing.style] as { id: string }).id,
          credential: standing.credential,
          previous: standing.previous,
          choices: this.choices,
        },
        (done, of) => this.#share('sealing', done, of),
      );
      if (this.#ended) return sealed.discard();
      this.#sealed = sealed;
      this.trackingCode = sealed.trackingCode;
      this.step = { at: 'choose' };
    } catch (error) {
      this.#stop('broken', reasonOf(error));
    }
  }

  async test(): Promise<void> {
    const sealed = this.#takeSealed();
    if (sealed === null) return;
    try {
      this.step = { at: 'tested', test: await sealed.test() };
    } catch (error) {
      this.#stop('broken', reasonOf(error));
    }
  }

  /** After a test: a new ballot with a new seed. */
  async afterTest(same: boolean): Promise<void> {
    if (same) return this.seal();
    this.choices = this.contests.map(blank);
    this.fill(0);
  }

  async cast(): Promise<void> {
    const sealed = this.#takeSealed();
    const { view } = this;
    const voter = this.#voter;
    if (sealed === null || voter === null || view === null) return;
    this.step = { at: 'proving', share: null };
    try {
      this.entry = await sealed.prove(voter.secret, (done, of) => this.#share('proving', done, of));
    } catch (error) {
      return this.#stop('broken', reasonOf(error));
    }
    if (!this.#ended) return this.send();
    // The page was left before anything was sent: it asks when it is opened again.
    keepPending(storage, { board: view.source.location, election: this.electionHex, entry: this.entry });
  }

  /** Sends the entry at hand, perhaps again: always the same bytes. */
  async send(): Promise<void> {
    const { view, entry } = this;
    if (view === null || entry === null) return;
    this.trackingCode = codeOfEntry(entry);
    let stage: 'sending' | 'checking' = 'sending';
    const show = (trouble: Trouble | null): void => {
      this.step = { at: 'casting', stage, trouble, kept: recallPending(storage, this.electionHex) !== null };
    };
    show(null);
    const outcome = await castEntry(view, entry, {
      // After the page was left nobody sees the receipt: the entry stays, and sending it again brings the receipt again.
      storage: {
        ...storage,
        removeItem: (name) => {
          if (!this.#ended) storage.removeItem(name);
        },
      },
      means: { ...ownMeans, onTrouble: show, signal: this.#leaving.signal },
      onStage: (now) => {
        stage = now;
        show(null);
      },
    });
    if (this.#ended) return;
    if (outcome.kind !== 'recorded') {
      this.step = { at: 'outcome', outcome };
      if (outcome.kind === 'contradiction') this.receipt = outcome.receipt;
      return;
    }
    this.receipt = outcome.receipt;
    this.compared = outcome.compared;
    this.forget();
    this.step = { at: 'receipt' };
    this.#lookAgain();
  }

  /** Until enough witnesses have cosigned. */
  #lookAgain(): void {
    if (this.#ended || this.receipt === null || witnessed(this.receipt)) return;
    this.#clock = setTimeout(() => void this.#renew(), LOOK_AGAIN);
  }

  async #renew(): Promise<void> {
    if (this.view === null || this.receipt === null) return;
    const renewed = await renewReceipt(this.view, this.receipt);
    if (this.#ended) return;
    if (renewed.kind === 'contradiction') {
      this.step = { at: 'outcome', outcome: { ...renewed, receipt: this.receipt } };
      return;
    }
    this.receipt = renewed.receipt;
    this.#lookAgain();
  }

  /** Codes, choices and the encrypted ballot are gone from memory, as far as a page can promise that. */
  forget(): void {
    this.#codes = null;
    this.#voter = null;
    this.choices = [];
    this.entry = null;
    this.#discard();
  }

  end(): void {
    this.#ended = true;
    this.#leaving.abort();
    clearTimeout(this.#clock);
    this.#codes = null;
    this.#voter = null;
    this.#discard();
  }

  #discard(): void {
    this.#sealed?.discard();
    this.#sealed = null;
  }

  #takeSealed(): Sealed | null {
    const sealed = this.#sealed;
    this.#sealed = null;
    return sealed;
  }

  #share(at: 'reading' | 'sealing' | 'proving', done: number, of: number): void {
    if (this.step.at === at) this.step = { at, share: { done, of } };
  }

  #stop(name: Obstacle['name'], reason: string): void {
    this.step = { at: 'stopped', obstacle: { name, reason } };
  }

  #stopFor(error: unknown, otherwise: 'failed' | 'distrust'): void {
    this.#stop(obstacleOf(error) ?? otherwise, reasonOf(error));
  }
}
