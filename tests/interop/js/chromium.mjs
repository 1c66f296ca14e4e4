// Runs the session in a page of a headless Chromium.
import http from 'node:http';
import { launch, PATIENCE } from './browser.mjs';
import { scripts } from './scripts.mjs';

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
  const browser = await launch(certificates);
  const server = await servePage();
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
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
