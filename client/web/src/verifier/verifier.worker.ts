// The worker of the verifier, in one of two roles: it coordinates a verification, or it proves ballots for the one that
// does. One file, so that a page loads and checks one script (docs/spec page 8).
import { serveTasks } from './pool.ts';
import { portOf } from './ports.ts';
import { READY, coordinate, type Role } from './remote.ts';

self.onmessage = (event: MessageEvent<Role>) => {
  const role = event.data;
  if (role.role === 'prove') serveTasks(portOf(role.tasks));
  else void coordinate(role);
};
self.postMessage(READY);
