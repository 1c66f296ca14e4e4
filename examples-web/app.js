// The page: what people see and do.
//
// ?ice=URL[,USER,PASSWORD] in the address (once per server) gives STUN and TURN servers, ?relay=1 uses
// nothing but TURN. The fragment is an invitation, or `invite=` and a server.
import { initiatorIdentity, responderIdentity, trust } from './identity.js';
import { formatInvitation, linkTo, parseInvitation, parseServer } from './invitation.js';
import { Session } from './session.js';
import { Outgoing, Receiver } from './transfer.js';

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;
const REDRAW_MS = 100;
const PATH_RETRY_MS = 500;

const $ = (id) => document.getElementById(id);

/** For programs that watch the page, such as the tests. */
const tell = (event, detail = {}) => {
  window.dispatchEvent(new CustomEvent('saltyrtc-example', { detail: { event, ...detail } }));
};

// --- What is shown ---

function status(phase, text) {
  document.body.dataset.phase = phase;
  $('status').textContent = text;
  tell('status', { phase, text });
}

function show(part) {
  for (const id of ['start', 'meeting']) $(id).hidden = id !== part;
  $('leave').hidden = part !== 'meeting';
}

function addMessage(kind, text) {
  const item = document.createElement('li');
  item.className = kind;
  item.textContent = text;
  $('messages').append(item);
  item.scrollIntoView({ block: 'nearest' });
}

function bytesText(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return `${(bytes / 1024 ** unit).toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}

function timeText(seconds) {
  if (!Number.isFinite(seconds)) return '';
  const minutes = Math.floor(seconds / 60);
  return `, ${minutes > 0 ? `${minutes} min ` : ''}${Math.ceil(seconds % 60)} s left`;
}

function note(transfer) {
  switch (transfer.state) {
    case 'hashing': return 'Reading the file…';
    case 'queued': return 'Waiting for the peer…';
    case 'waiting': return `${bytesText(transfer.bytes)} so far. Waiting for the peer…`;
    case 'offered': return 'Offered…';
    case 'done': return `${bytesText(transfer.size)}, complete and verified`;
    case 'failed': return transfer.error;
    default: {
      const { rate } = transfer;
      const left = timeText((transfer.size - transfer.bytes) / rate);
      return `${bytesText(transfer.bytes)} of ${bytesText(transfer.size)}, ${bytesText(rate)}/s${left}`;
    }
  }
}

function addTransfer(transfer) {
  const item = $('transfer').content.cloneNode(true).firstElementChild;
  const find = (selector) => item.querySelector(selector);
  item.dataset.direction = transfer.direction;
  find('.name').textContent = transfer.name;
  find('.name').title = transfer.name;
  $('transfers').prepend(item);
  const draw = () => {
    item.dataset.state = transfer.state;
    find('.note').textContent = note(transfer);
    find('progress').value = transfer.size === 0 ? 1 : transfer.bytes / transfer.size;
    if (transfer.state === 'done' && transfer.blob) {
      const link = find('.save');
      link.href ||= URL.createObjectURL(transfer.blob);
      link.download = transfer.name;
      link.hidden = false;
    }
  };
  let timer = null;
  let state = null;
  transfer.onchange = () => {
    if (transfer.state !== state) {
      state = transfer.state;
      const { direction, name, size, sha256, bytes, error } = transfer;
      tell('transfer', { direction, name, size, sha256, bytes, state, error });
    }
    // Not for every message: the page has better things to do.
    timer ??= setTimeout(() => {
      timer = null;
      draw();
      tell('progress', { direction: transfer.direction, name: transfer.name, bytes: transfer.bytes });
    }, REDRAW_MS);
  };
  draw();
}

// --- Files ---

const receiver = new Receiver();
receiver.onfile = addTransfer;
const outgoing = [];
let sending = false;

function sendFiles(files) {
  for (const file of files) {
    const transfer = new Outgoing(file);
    addTransfer(transfer);
    outgoing.push(transfer);
  }
  sendNext();
}

/** One file after another, as long as there is a connection. */
async function sendNext() {
  if (sending) return;
  sending = true;
  while (outgoing.length > 0 && session?.isReady) {
    const current = session;
    await outgoing[0].run(() => current.openFileChannel());
    if (outgoing[0].isOver) outgoing.shift();
    else if (session === current && current.isReady) break; // no channel to be had: wait for a new session
  }
  sending = false;
}

// --- Meeting the peer ---

let session = null;
let identity = null;
let retryTimer = null;
let retryDelay = FIRST_RETRY_MS;

function rtcConfig() {
  const query = new URLSearchParams(location.search);
  return {
    iceServers: query.getAll('ice').map((text) => {
      const [urls, username, credential] = text.split(',');
      return username === undefined ? { urls } : { urls, username, credential };
    }),
    iceTransportPolicy: query.get('relay') === '1' ? 'relay' : 'all',
  };
}

function meet() {
  status('connecting', 'Connecting to the server…');
  const current = new Session(identity, rtcConfig());
  session = current;
  identity.secretKey = current.secretKey;
  current.isReady = false;
  current.oninvite = (token) => {
    const trusted = identity.trustedKey !== null;
    const uri = formatInvitation({ server: identity.server, initiatorKey: current.publicKey, token: trusted ? null : token });
    $('link').textContent = uri;
    $('link').href = linkTo(uri);
    $('waiting').hidden = trusted;
    status('connecting', 'Waiting for the peer…');
    tell('invitation', { uri, link: linkTo(uri) });
  };
  current.onpeer = (peerKey) => {
    retryDelay = FIRST_RETRY_MS;
    $('waiting').hidden = true;
    trust(identity, current.secretKey, peerKey);
    if (identity.role === 'responder') {
      // The token is used up, and better not seen in the address or the history.
      const uri = formatInvitation({ ...identity, token: null });
      history.replaceState(null, '', linkTo(uri));
    }
    status('connecting', 'The peer is there. Connecting to it…');
    tell('peer', { peerKey });
  };
  current.onready = async () => {
    current.isReady = true;
    status('together', 'Connected, end-to-end encrypted');
    sendNext();
    // The browser's statistics can lag behind.
    let path = null;
    while (session === current && (path = await current.path().catch(() => null)) === null) {
      await new Promise((resolve) => { setTimeout(resolve, PATH_RETRY_MS); });
    }
    if (session === current) {
      $('path').textContent = `${path.local} to ${path.remote}, ${Math.round(1000 * (path.roundTripTime ?? 0))} ms`;
      tell('path', path);
    }
  };
  current.onhandover = () => tell('handover');
  current.onchat = (text) => {
    addMessage('peer', text);
    tell('chat', { text });
  };
  current.onfilechannel = (channel) => receiver.take(channel);
  current.onend = (reason, code) => {
    if (session !== current) return;
    session = null;
    $('path').textContent = '';
    status('connecting', `${reason} Trying again…`);
    tell('end', { reason, code });
    retryTimer = setTimeout(meet, retryDelay);
    retryDelay = Math.min(2 * retryDelay, LAST_RETRY_MS);
  };
  try {
    current.connect();
  } catch (error) {
    current.end(error.message);
  }
}

function begin(makeIdentity) {
  try {
    identity = makeIdentity();
  } catch (error) {
    $('problem').textContent = error.message;
    tell('problem', { text: error.message });
    return;
  }
  $('problem').textContent = '';
  show('meeting');
  meet();
}

function leave() {
  clearTimeout(retryTimer);
  const current = session;
  session = null;
  current?.leave();
  $('waiting').hidden = true;
  $('path').textContent = '';
  history.replaceState(null, '', location.pathname + location.search);
  show('start');
  status('start', 'Not connected.');
}

const join = (text) => begin(() => responderIdentity(parseInvitation(text)));
const invite = (text) => {
  begin(() => initiatorIdentity(parseServer(text)));
  if (identity !== null) history.replaceState(null, '', `${location.pathname}${location.search}#invite=${encodeURIComponent(text)}`);
};

// --- What people do ---

const onSubmit = (id, action) => $(id).addEventListener('submit', (event) => {
  event.preventDefault();
  action();
});
onSubmit('join', () => join($('invitation').value));
onSubmit('invite', () => invite($('server').value));
onSubmit('say', () => {
  const text = $('text').value.trim();
  if (text === '') return;
  let said = false;
  try { said = session?.say(text) ?? false; } catch { /* the peer is about to be gone */ }
  if (said) {
    addMessage('me', text);
    $('text').value = '';
  } else {
    addMessage('note', 'Nobody is there yet. Send it again once the peer is there.');
  }
});
$('leave').addEventListener('click', leave);
$('copy').addEventListener('click', () => {
  // The clipboard is for secure pages only; elsewhere the link is selected for the user to copy.
  if (navigator.clipboard) navigator.clipboard.writeText($('link').href);
  else getSelection().selectAllChildren($('link'));
});
$('file').addEventListener('change', ({ target }) => {
  sendFiles(target.files);
  target.value = '';
});
for (const type of ['dragover', 'dragleave', 'drop']) {
  document.addEventListener(type, (event) => {
    event.preventDefault();
    $('drop').classList.toggle('over', type === 'dragover');
    if (type === 'drop') sendFiles(event.dataTransfer.files);
  });
}

function open(hash) {
  const fragment = decodeURIComponent(hash.slice(1));
  if (fragment === '') return;
  if (fragment.startsWith('invite=')) invite(fragment.slice('invite='.length));
  else join(fragment);
}

window.addEventListener('hashchange', () => {
  const { hash } = location;
  leave();
  open(hash);
});
window.addEventListener('pagehide', () => {
  const current = session;
  session = null;
  current?.end('');
});
open(location.hash);
