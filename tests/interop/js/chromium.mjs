// Runs the session in a page of a headless Chromium.
import { createHash, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { chromium } from 'playwright-core';
import { scripts } from './scripts.mjs';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

// The browser trusts exactly the test's certificates, instead of none or all.
const publicKeyHash = (pem) =>
  createHash('sha256')
    .update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');

// The page has to come from the loopback interface: pages from elsewhere may not connect to it.
async function servePage() {
  const page = '<!doctype html><meta charset="utf-8"><title>SaltyRTC peer</title>';
  const server = http.createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(page);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return server;
}

export async function start(certificates, emit) {
  const executablePath = process.env.SALTYRTC_INTEROP_CHROMIUM ?? PLACES.find((path) => existsSync(path));
  if (executablePath === undefined) {
    throw new Error('no Chromium found; install it or set SALTYRTC_INTEROP_CHROMIUM to its path');
  }
  const pems = readFileSync(certificates, 'utf8').match(/-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/g);
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--ignore-certificate-errors-spki-list=${pems.map(publicKeyHash).join(',')}`,
    ],
  });
  const server = await servePage();
  const page = await browser.newPage();
  page.on('console', (message) => console.error(`page: ${message.text()}`));
  page.on('pageerror', (error) => emit({ event: 'uncaught', message: String(error) }));
  // As text in both directions: the protocol to the browser is slow with large structures.
  await page.exposeFunction('interopEmit', (line) => emit(JSON.parse(line)));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  for (const path of scripts) await page.addScriptTag({ path });
  await page.evaluate(() => {
    const run = globalThis.interopPeer((event) => { globalThis.interopEmit(JSON.stringify(event)); });
    globalThis.interopRun = (line) => run(JSON.parse(line));
  });

  return {
    run: (command) => page.evaluate((line) => globalThis.interopRun(line), JSON.stringify(command)),
    stop: async () => {
      server.close();
      await browser.close();
    },
  };
}
