// The shape of a language file: nested sections of texts, each a string with {name} placeholders or one string per
// plural category of the language (Unicode CLDR names). Type-level only, plus the reading of one text.

/** A text that depends on {count}: `other` is always there, the rest as the language needs. */
export interface Plural {
  readonly zero?: string;
  readonly one?: string;
  readonly two?: string;
  readonly few?: string;
  readonly many?: string;
  readonly other: string;
}

export type Message = string | Plural;

export interface Section {
  readonly [name: string]: Message | Section;
}

const CATEGORIES: readonly string[] = ['zero', 'one', 'two', 'few', 'many', 'other'] satisfies (keyof Plural)[];

/** Plural forms and nothing else beside them; a section may well have a text called `other` among its texts. */
type IsPlural<T> = T extends Plural ? (keyof T extends keyof Plural ? true : false) : false;

/** The same keys as `T`, every text free: what another language must provide. */
export type Translation<T> = {
  readonly [K in keyof T]: T[K] extends string ? string : IsPlural<T[K]> extends true ? Plural : Translation<T[K]>;
};

/** All dotted paths of `T` that lead to a text. */
export type Path<T> = {
  [K in keyof T & string]: T[K] extends string ? K : IsPlural<T[K]> extends true ? K : `${K}.${Path<T[K]>}`;
}[keyof T & string];

export type Params = Readonly<Record<string, string | number>>;

function isPlural(message: Message | Section): message is Plural {
  return (
    typeof message === 'object' &&
    typeof message['other'] === 'string' &&
    Object.keys(message).every((name) => CATEGORIES.includes(name))
  );
}

/** All texts of a language with their dotted paths, plural forms as one. */
export function leaves(section: Section, prefix = ''): [path: string, message: Message][] {
  return Object.entries(section).flatMap(([name, value]): [string, Message][] =>
    typeof value === 'string' || isPlural(value) ? [[prefix + name, value]] : leaves(value, `${prefix}${name}.`),
  );
}

/** The text at a dotted path, or null where there is none. */
export function find(section: Section, path: string): Message | null {
  let here: Message | Section | undefined = section;
  for (const name of path.split('.')) {
    if (typeof here !== 'object' || !Object.hasOwn(here, name)) return null;
    here = (here as Section)[name];
  }
  return here !== undefined && (typeof here === 'string' || isPlural(here)) ? here : null;
}

/** Picks the plural form for `params.count` and fills the placeholders; numbers are written by `number`. */
export function fill(
  message: Message,
  params: Params,
  category: (count: number) => Intl.LDMLPluralRule,
  number: (value: number) => string,
): string {
  const count = params['count'];
  const text =
    typeof message === 'string'
      ? message
      : ((typeof count === 'number' ? message[category(count)] : undefined) ?? message.other);
  return text.replace(/\{(\w+)\}/g, (placeholder, name: string) => {
    const value = Object.hasOwn(params, name) ? params[name] : undefined;
    return value === undefined ? placeholder : typeof value === 'number' ? number(value) : value;
  });
}
