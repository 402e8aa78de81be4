// Addresses of the client. Everything lives in the fragment, which a browser never sends to a server:
// `#/vote?board=/elections/trial&election=<64 hex>`. Pure functions; router.svelte.ts holds the state.
//
// A browser keeps the address that was opened in its history, fragment included, whatever the page does afterwards. So
// a link carries at most one of several voting codes (`&code=…&registrar=2`), which alone is worth nothing.

export const routeNames = ['home', 'election', 'results', 'vote', 'check', 'track'] as const;

export type RouteName = (typeof routeNames)[number];

export type RouteParams = Readonly<Record<string, string>>;

/** A value may be given once, several times (codes), or not at all. */
export type LinkParams = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface Place {
  /** null: the address names no page of this client. */
  readonly name: RouteName | null;
  readonly params: RouteParams;
  /** Voting codes of the link, in the order given; `codeOfLink` says what may be done with them. */
  readonly codes: readonly string[];
}

/** Parameters that must not stay in the address bar, where a neighbour or a screenshot sees them. */
const SECRET = ['code', 'opening'];

function isRouteName(name: string): name is RouteName {
  return (routeNames as readonly string[]).includes(name);
}

function readParams(query: string): { params: RouteParams; codes: readonly string[] } {
  const search = new URLSearchParams(query);
  // The first value of a name is the one that counts. fromEntries: `__proto__` is a name like any other.
  const params = Object.fromEntries([...search].filter(([name]) => name !== 'code').reverse());
  return { params, codes: search.getAll('code').filter((code) => code !== '') };
}

/** A voting code that came with a link, and the place of its registrar among all, from 0. */
export interface LinkedCode {
  readonly code: string;
  readonly at: number;
}

/** The one code that a link may bring, in an election with so many registrars; null where it brings none. */
export function codeOfLink(place: Pick<Place, 'codes' | 'params'>, registrars: number): LinkedCode | null {
  const [code] = place.codes;
  if (code === undefined || registrars < 2) return null;
  const named = /^[1-9][0-9]?$/.test(place.params['registrar'] ?? '') ? Number(place.params['registrar']) : 1;
  return { code, at: Math.min(named, registrars) - 1 };
}

/** What a fragment (with or without its `#`) points to; null where it is no route but a plain anchor. */
export function parseFragment(fragment: string): Place | null {
  const text = fragment.replace(/^#/, '');
  if (text === '') return { name: 'home', params: {}, codes: [] };
  if (!text.startsWith('/')) return null;
  const mark = text.indexOf('?');
  const path = (mark < 0 ? text : text.slice(0, mark)).replace(/^\/+|\/+$/g, '');
  const name = path === '' ? 'home' : isRouteName(path) && path !== 'home' ? path : null;
  return { name, ...readParams(mark < 0 ? '' : text.slice(mark + 1)) };
}

function format(pairs: readonly (readonly [string, string])[]): string {
  const search = new URLSearchParams(pairs.map(([name, value]) => [name, value]));
  // A fragment may hold `/` and `:` as they are (RFC 3986, 3.5), which keeps links readable.
  return search.toString().replace(/%2F/g, '/').replace(/%3A/g, ':');
}

function query(params: LinkParams): string {
  return format(
    Object.entries(params).flatMap(([name, value]) =>
      (typeof value === 'string' ? [value] : (value ?? [])).map((one) => [name, one] as const),
    ),
  );
}

/** The fragment of a page, with its `#`. */
export function formatFragment(name: RouteName, params: LinkParams = {}): string {
  const text = query(params);
  return `#/${name === 'home' ? '' : name}${text === '' ? '' : `?${text}`}`;
}

/** The same fragment without voting codes and openings; null if it holds none. */
export function withoutSecrets(fragment: string): string | null {
  const mark = fragment.indexOf('?');
  if (mark < 0) return null;
  const search = new URLSearchParams(fragment.slice(mark + 1));
  if (!SECRET.some((name) => search.has(name))) return null;
  const text = format([...search].filter(([name]) => !SECRET.includes(name)));
  return fragment.slice(0, mark) + (text === '' ? '' : `?${text}`);
}

/** Parameters of verify.html, whose fragment is only a query: `#board=…&election=…`. */
export function parsePlainFragment(fragment: string): RouteParams {
  return readParams(fragment.replace(/^#\/?\??/, '')).params;
}

/** The address of the verifier page, with its parameters. */
export function verifyHref(params: LinkParams = {}): string {
  const text = query(params);
  return `verify.html${text === '' ? '' : `#${text}`}`;
}

/** The address of a file or board given relative to the page, or absolute. Throws TypeError for what is no address. */
export function resolveBoard(board: string, page: string): URL {
  const url = new URL(board.endsWith('/') ? board : `${board}/`, page);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError(`not a web address: ${board}`);
  return url;
}
