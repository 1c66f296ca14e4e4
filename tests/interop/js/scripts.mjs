// The classic scripts of a session, in the order in which they have to be loaded.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const { resolve } = createRequire(import.meta.url);

export const scripts = [
  resolve('tweetnacl/nacl-fast.min.js'),
  resolve('msgpack-lite/dist/msgpack.min.js'),
  resolve('@saltyrtc/client/dist/saltyrtc-client.es5.js'),
  resolve('@saltyrtc/task-relayed-data/dist/saltyrtc-task-relayed-data.es5.js'),
  fileURLToPath(new URL('session.js', import.meta.url)),
];
