// What a verification is asked: the form's answer.

import type { TrustPolicy } from '../../board/policy.ts';
import type { Bytes } from '../../core/bytes.ts';
import type { FolderFile } from './folder.ts';

export interface Question {
  /** An address, or a folder with its files. */
  readonly board: string | { readonly name: string; readonly files: readonly FolderFile[] };
  /** Lower-case hex. */
  readonly election: string;
  /** A policy file that names this election; null: the policy follows from the manifest. */
  readonly policy: TrustPolicy | null;
  readonly kept: readonly Bytes[];
  readonly receipts: readonly Bytes[];
  /** Compare with, and add to, the checkpoints kept in this browser. */
  readonly remember: boolean;
  /** Let the native engine's code rule on proofs. */
  readonly accelerate: boolean;
}
