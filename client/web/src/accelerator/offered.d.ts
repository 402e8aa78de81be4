// What build/accelerator.ts puts in place of this module.
declare module 'virtual:retally-engine' {
  /** null where the page was built without the engine. */
  export const ENGINE: import('./runAccelerated.ts').OfferedEngine | null;
}
