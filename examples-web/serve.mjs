// Serves this page: node serve.mjs [--host ADDRESS] [--port PORT]. Prints its address.
//
// Any other web server does as well; there is nothing to build. This one hands out only what the page
// consists of.
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const FILES = new Set([
  'index.html', 'style.css',
  'app.js', 'identity.js', 'invitation.js', 'room.js', 'screen.js', 'secure-channel.js', 'session.js', 'sha256.js', 'transfer.js',
  'node_modules/tweetnacl/nacl-fast.min.js',
  'node_modules/msgpack-lite/dist/msgpack.min.js',
  'node_modules/@saltyrtc/chunked-dc/dist/chunked-dc.es5.js',
  'node_modules/@saltyrtc/client/dist/saltyrtc-client.es5.js',
  'node_modules/@saltyrtc/task-webrtc/dist/saltyrtc-task-webrtc.es5.js',
]);
const TYPES = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript' };

/** Resolves to the server and its address once it listens. */
export async function serve(host, port) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const name = pathname === '/' ? 'index.html' : pathname.slice(1);
    if (!FILES.has(name)) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found.\n');
      return;
    }
    const file = createReadStream(fileURLToPath(new URL(name, import.meta.url)));
    file.once('open', () => {
      response.writeHead(200, { 'content-type': `${TYPES[extname(name)]}; charset=utf-8`, 'cache-control': 'no-cache' });
      file.pipe(response);
    });
    file.once('error', () => response.writeHead(500, { 'content-type': 'text/plain' }).end('Missing: run npm ci.\n'));
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  const address = server.address();
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return { server, url: `http://${name}:${address.port}/` };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { host: { type: 'string', default: '127.0.0.1' }, port: { type: 'string', default: '0' } },
  });
  const { url } = await serve(values.host, Number(values.port));
  console.log(url);
}
