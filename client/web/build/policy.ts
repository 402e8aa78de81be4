// The Content-Security-Policy of every page. Its one source is csp.json, which the ballot server sends as a header; the
// build also writes it into the pages for hosts that send none, and publishes csp.json so that the bundle's listing
// covers it (docs/spec page 10). A page's <meta> cannot carry frame-ancestors, so there it is left out.

import { readFileSync } from 'node:fs';

export type Policies = Readonly<Record<string, string>>;

export function readPolicies(root: string): Policies {
  return JSON.parse(readFileSync(`${root}/csp.json`, 'utf8')) as Policies;
}

/** `html` with the policy as the first thing in its head after the character set. */
export function withPolicy(html: string, policy: string): string {
  const inPage = policy
    .split('; ')
    .filter((directive) => !directive.startsWith('frame-ancestors'))
    .join('; ');
  const [before, after] = html.split(/(?<=<meta charset="utf-8" \/>)/);
  if (before === undefined || after === undefined || inPage.includes('"'))
    throw new Error('the page has no head to write to');
  return `${before}\n    <meta http-equiv="Content-Security-Policy" content="${inPage}" />${after}`;
}
