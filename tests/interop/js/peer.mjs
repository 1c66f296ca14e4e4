// The scripted peer: `node peer.mjs node|chromium CERTIFICATES`, where CERTIFICATES is a PEM file with
// the certificates to trust. Commands come in on standard input and events go out on standard output,
// one JSON object per line. README.md lists them. The end of the input ends the peer.
import { once } from 'node:events';
import readline from 'node:readline';

const RUNTIMES = ['node', 'chromium'];

const emit = (event) => { process.stdout.write(`${JSON.stringify(event)}\n`); };

const [runtime, certificates] = process.argv.slice(2);
if (!RUNTIMES.includes(runtime) || certificates === undefined) {
  console.error(`usage: peer.mjs ${RUNTIMES.join('|')} CERTIFICATES`);
  process.exit(2);
}

const { start } = await import(`./${runtime}.mjs`);
const session = await start(certificates, emit);
emit({ event: 'ready', runtime });

const input = readline.createInterface({ input: process.stdin });
// Commands run one after another: each may wait for the browser.
let last = Promise.resolve();
input.on('line', (line) => {
  const command = JSON.parse(line);
  if (command.command === 'exit') {
    input.close();
  } else {
    last = last.then(() => session.run(command)).catch((error) => {
      emit({ event: 'failed', command: command.command, message: String(error) });
    });
  }
});
await once(input, 'close');
await last;
await session.stop();
process.stdout.write('', () => process.exit(0));
