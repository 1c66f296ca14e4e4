// Starts a headless Chromium.
import { createHash, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

// How long a step may take, in milliseconds: a browser is slow, and so are machines.
export const PATIENCE = 120_000;

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

// The browser trusts exactly the test's certificates, instead of none or all.
const publicKeyHash = (pem) =>
  createHash('sha256')
    .update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');

export async function launch(certificates, args = []) {
  const executablePath = process.env.SALTYRTC_INTEROP_CHROMIUM ?? PLACES.find((path) => existsSync(path));
  if (executablePath === undefined) {
    throw new Error('no Chromium found; install it or set SALTYRTC_INTEROP_CHROMIUM to its path');
  }
  const pems = readFileSync(certificates, 'utf8').match(/-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/g);
  return chromium.launch({
    executablePath,
    timeout: PATIENCE,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...args,
      `--ignore-certificate-errors-spki-list=${pems.map(publicKeyHash).join(',')}`,
    ],
  });
}
