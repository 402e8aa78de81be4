// The Content-Security-Policy of every file. Its one source is csp.json. The build writes the pages' policies into the
// pages, for hosts that send no header, and publishes csp.json with the single file's digests filled in: a server sends
// what stands there for a path, else what stands for `*` (workers ask nobody for anything), and the bundle's listing
// covers it (docs/spec page 10).

import { existsSync, readdirSync, readFileSync } from 'node:fs';

export type Policies = Readonly<Record<string, string>>;

export function readPolicies(root: string): Policies {
  return JSON.parse(readFileSync(`${root}/csp.json`, 'utf8')) as Policies;
}

export function policyOf(root: string, path: string): string {
  const policy = readPolicies(root)[path];
  if (policy === undefined) throw new Error(`csp.json has no policy for ${path}`);
  return policy;
}

/** The one worker with a policy of its own: WebAssembly may run in it, and nowhere else. */
const ACCELERATED = 'assets/accelerated.worker.js';

/**
 * csp.json as it is published: `changed` in place of the policies that only the build knows, and the accelerated worker
 * under the name it has in `folder`, if this build has one.
 */
export function publishedPolicies(root: string, folder: string, changed: Policies): string {
  const { [ACCELERATED]: policy = '', ...others } = readPolicies(root);
  const assets = existsSync(`${folder}/assets`) ? readdirSync(`${folder}/assets`) : [];
  const workers = assets.filter((name) => /^accelerated\.worker-[\w-]+\.js$/.test(name)).sort();
  const named = Object.fromEntries(workers.map((name) => [`assets/${name}`, policy]));
  return `${JSON.stringify({ ...others, ...changed, ...named }, null, 2)}\n`;
}

/** `html` with the policy right after the character set. A <meta> cannot carry frame-ancestors: it is left out. */
export function withPolicy(html: string, policy: string): string {
  const inPage = policy
    .split('; ')
    .filter((directive) => !directive.startsWith('frame-ancestors'))
    .join('; ');
  const [before, after] = html.split(/(?<=<meta charset="utf-8" \/>)/);
  if (before === undefined || after === undefined || inPage.includes('"')) throw new Error('no place for the policy');
  return `${before}\n    <meta http-equiv="Content-Security-Policy" content="${inPage}" />${after}`;
}
