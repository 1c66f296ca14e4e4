// Runs the session in Node, with the few browser globals the client library expects.
import dns from 'node:dns';
import { readFileSync } from 'node:fs';
import { webcrypto } from 'node:crypto';
import vm from 'node:vm';
import WebSocket from 'ws';
import { scripts } from './scripts.mjs';

export async function start(certificates, emit) {
  // The servers listen on 127.0.0.1, and `localhost` may be ::1 too.
  dns.setDefaultResultOrder('ipv4first');
  const ca = readFileSync(certificates);

  globalThis.self = globalThis;
  globalThis.window = globalThis;
  globalThis.crypto ??= webcrypto; // not a global in Node 18
  let socket = null;
  globalThis.WebSocket = class extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols, { ca });
      socket = this;
      this.on('ping', () => emit({ event: 'ping' }));
    }
  };
  // The client library throws out of its listeners, for instance on a message it cannot decrypt.
  process.on('uncaughtException', (error) => emit({ event: 'uncaught', message: String(error) }));

  for (const path of scripts) vm.runInThisContext(readFileSync(path, 'utf8'), { filename: path });

  const run = globalThis.interopPeer(emit);
  return {
    run: async (command) => {
      if (command.command !== 'stop-reading') return run(command);
      socket.pause();
      emit({ event: 'stopped-reading' });
    },
    stop: async () => {},
  };
}
