// The worker that encrypts and proves one ballot; everything it does is sealing.ts.
import { serveSealing } from './sealing.ts';

serveSealing({
  post: (message) => self.postMessage(message),
  listen: (onMessage) => {
    self.onmessage = (event: MessageEvent<unknown>) => onMessage(event.data);
  },
  close: () => self.close(),
});
self.postMessage({ is: 'ready' });
