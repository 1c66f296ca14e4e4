// The page of examples-web in a headless Chromium, used like a person would: `node page.mjs CERTIFICATES`,
// where CERTIFICATES is a PEM file with the certificates to trust. Commands come in on standard input and
// events go out on standard output, one JSON object per line. README.md lists them. The end of the input
// ends the browser.
import { once } from 'node:events';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { serve } from '../../../examples-web/serve.mjs';
import { launch, PATIENCE } from './browser.mjs';
import { look } from './look.mjs';

const emit = (event) => { process.stdout.write(`${JSON.stringify(event)}\n`); };

const [certificates] = process.argv.slice(2);
if (certificates === undefined) {
  console.error('usage: page.mjs CERTIFICATES');
  process.exit(2);
}

const browser = await launch(certificates);
const { server, url } = await serve('127.0.0.1', 0);
const page = await browser.newPage({ acceptDownloads: true });
await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(url).origin });
page.setDefaultTimeout(PATIENCE);
page.on('console', (message) => console.error(`page: ${message.text()}`));
page.on('pageerror', (error) => emit({ event: 'uncaught', message: String(error) }));
page.on('websocket', (socket) => socket.on('close', () => emit({ event: 'server-left' })));
await page.exposeFunction('interopEmit', (line) => emit(JSON.parse(line)));
await page.addInitScript({ path: fileURLToPath(new URL('watch.js', import.meta.url)) });

const commands = {
  // `fragment`: an invitation, or `invite=` and a server; `query`: ICE servers, and what watch.js knows. Without
  // both, the page as it comes to somebody who knows nothing.
  open: async ({ query = '', fragment = '' }) => {
    // From another page: a mere change of the fragment loads nothing.
    await page.goto('about:blank');
    await page.goto(`${url}${query === '' ? '' : `?${query}`}#${fragment.replace('#', '%23')}`);
  },
  join: async ({ invitation }) => {
    await page.fill('#invitation', invitation);
    await page.click('#join button');
  },
  reload: () => page.reload(),
  leave: () => page.click('#leave'),
  chat: async ({ text, channel = false }) => {
    if (channel) return page.evaluate((line) => globalThis.interopSay(line), text);
    await page.fill('#text', text);
    await page.click('#say button');
  },
  send: ({ path }) => page.setInputFiles('#file', path),
  save: async ({ name, path }) => {
    const link = page.locator('#transfers li', { hasText: name }).locator('a.save');
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    await download.saveAs(path);
    emit({ event: 'saved', name, path });
  },
  click: ({ selector }) => page.click(selector),
  fill: ({ selector, text }) => page.fill(selector, text),
  // What is there to read, of all that can be seen: the text, or the state of a field.
  read: async ({ selector }) => {
    const texts = await page.locator(`${selector}:visible`).allInnerTexts();
    emit({ event: 'read', texts });
  },
  paste: async () => emit({ event: 'pasted', text: await page.evaluate(() => navigator.clipboard.readText()) }),
  look: async ({ name }) => emit({ event: 'looked', found: await look(page, name) }),
  screenshot: ({ path }) => page.screenshot({ path }),
};

emit({ event: 'ready' });
const input = readline.createInterface({ input: process.stdin });
let last = Promise.resolve();
input.on('line', (line) => {
  const command = JSON.parse(line);
  if (command.command === 'exit') {
    input.close();
  } else {
    last = last.then(() => commands[command.command](command)).catch((error) => {
      emit({ event: 'failed', command: command.command, message: String(error) });
    });
  }
});
await once(input, 'close');
await last;
server.close();
await browser.close();
process.stdout.write('', () => process.exit(0));
