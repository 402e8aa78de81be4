// How fast verify.html verifies a board in Chromium, from its button to the verdict, without and with the accelerator; and
// how long its main thread was ever busy at once. Prints JSON; benchmarks/BROWSER.md has the figures.
//
//     npm run build && npx vite-node benchmarks/page.ts BOARD POLICY [RUNS]
//
// BOARD is a folder with a board's files, POLICY its trust policy, as `retally lab demo` leaves them. The page is served from
// dist with the headers that csp.json says.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadavg } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { chromium, type Page } from '@playwright/test';

const [board = '', policy = '', runs = '3'] = process.argv.slice(2);
const dist = new URL('../dist/', import.meta.url).pathname;
const policies = JSON.parse(readFileSync(join(dist, 'csp.json'), 'utf8')) as Record<string, string>;
const TYPES: Record<string, string> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

const server = createServer((request, response) => {
  const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname).slice(1);
  try {
    const content = readFileSync(path.startsWith('board/') ? join(board, path.slice(6)) : join(dist, path));
    response.setHeader('Content-Security-Policy', policies[path] ?? policies['*'] ?? '');
    response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream');
    response.end(content);
  } catch {
    response.statusCode = 404;
    response.end();
  }
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** One verification: the verdict, seconds, and when (seconds) and for how long (ms) the page answered nothing. */
async function measure(page: Page, accelerate: boolean): Promise<object> {
  const election = /election\s+([0-9a-f]{64})/.exec(readFileSync(policy, 'utf8'))?.[1] ?? '';
  await page.goto(`${origin}/verify.html#board=${encodeURIComponent(`${origin}/board`)}&election=${election}`);
  if (accelerate) await page.locator('input[aria-describedby="accelerate-hint"]').check();
  // From here on: what the browser itself counts as a long task.
  await page.evaluate(() => {
    const tasks: { ms: number; at: number }[] = [];
    const from = performance.now();
    Object.assign(globalThis, { longTasks: tasks });
    new PerformanceObserver((list) => {
      for (const { duration, startTime } of list.getEntries())
        tasks.push({ ms: Math.round(duration), at: Number(((startTime - from) / 1000).toFixed(2)) });
    }).observe({ type: 'longtask' });
  });
  const begun = performance.now();
  await page.locator('form button[type=submit]').click();
  const verdict = await page.locator('#verdict').innerText({ timeout: 600_000 });
  const seconds = (performance.now() - begun) / 1000;
  const longTasks = await page.evaluate(() => (globalThis as unknown as { longTasks: object[] }).longTasks);
  const said = await page.locator('#accelerated, #not-accelerated').allInnerTexts();
  const line = await page.locator('dl.facts').innerText();
  return {
    accelerate,
    verdict,
    seconds: Number(seconds.toFixed(2)),
    speed: /.*ballots a minute.*/.exec(line)?.[0],
    longTasks,
    said,
  };
}

const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
process.stdout.write(
  `${JSON.stringify({ chromium: browser.version(), load: loadavg().map((one) => Number(one.toFixed(2))) })}\n`,
);
for (let run = 0; run < Number(runs); run += 1) {
  for (const accelerate of [false, true]) {
    const context = await browser.newContext({ locale: 'en' });
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') process.stderr.write(`${message.text()}\n`);
    });
    const found = await measure(page, accelerate);
    process.stdout.write(`${JSON.stringify({ ...found, load: Number(loadavg()[0]?.toFixed(2)) })}\n`);
    await context.close();
  }
}
await browser.close();
server.close();
