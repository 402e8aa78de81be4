// Pausing, cancelling, and what is said about the time left.
import { describe, expect, it } from 'vitest';
import { Aborted, Control, Pace } from '../../src/verifier/control.ts';

describe('control', () => {
  it('holds a verification while it is paused, and lets it go on', async () => {
    const control = new Control();
    control.pause();
    let passed = false;
    const waiting = control.proceed().then(() => (passed = true));
    await Promise.resolve();
    expect([control.paused, passed]).toEqual([true, false]);
    control.resume();
    await waiting;
    expect([control.paused, passed]).toEqual([false, true]);
  });

  it('gives up when it is cancelled, also out of a pause', async () => {
    const control = new Control();
    control.pause();
    const waiting = control.proceed();
    control.abort();
    await expect(waiting).rejects.toBeInstanceOf(Aborted);
    await expect(control.proceed()).rejects.toBeInstanceOf(Aborted);
  });

  it('tells a follower the present state and every change', () => {
    const control = new Control();
    control.pause();
    const heard: string[] = [];
    const stop = control.follow((change) => heard.push(change));
    control.resume();
    control.abort();
    stop();
    control.pause();
    expect(heard).toEqual(['pause', 'resume', 'abort']);
  });
});

describe('pace', () => {
  it('tells rate and time left from the last while, pauses left out', async () => {
    let clock = 0;
    const pace = new Pace(() => clock);
    expect(pace.report('entries', 0, 1000, 0)).toMatchObject({ ballotsPerSecond: null, secondsLeft: null });
    clock += 2000;
    expect(pace.report('entries', 100, 1000, 80)).toMatchObject({ ballotsPerSecond: 40, secondsLeft: 18 });
    await pace.idle(async () => {
      clock += 3_600_000;
    });
    clock += 2000;
    expect(pace.report('entries', 200, 1000, 160)).toMatchObject({ ballotsPerSecond: 40, secondsLeft: 16 });
  });

  it('forgets how fast it was long ago', () => {
    let clock = 0;
    const pace = new Pace(() => clock);
    pace.report('entries', 0, 1000, 0);
    let last = pace.report('entries', 0, 1000, 0);
    for (let step = 1; step <= 40; step += 1) {
      clock += 1000;
      last = pace.report('entries', step <= 20 ? 10 * step : 200 + (step - 20), 1000, 0);
    }
    expect(last.secondsLeft).toBe(780);
  });
});
