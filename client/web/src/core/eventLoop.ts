// Long work on a page's own thread lets go now and then.

/** Until the event loop has taken what waits: clicks, paints, messages. */
export function eventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve);
  });
}
