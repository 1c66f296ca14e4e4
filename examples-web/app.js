// The page: what people see and do.
//
// ?ice=URL[,USER,PASSWORD] in the address (once per server) gives STUN and TURN servers, ?relay=1 uses
// nothing but TURN. The fragment is an invitation, or `invite=` and a server.
import { forget, initiatorIdentity, knownPeers, responderIdentity, trust } from './identity.js';
import { formatInvitation, formatServer, linkTo, parseInvitation, parseServer } from './invitation.js';
import { Room } from './room.js';
import { $, announce, show, status, tell } from './screen.js';
import { Session } from './session.js';

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;
const PATH_RETRY_MS = 500;

// --- Meeting the peer ---

let room = null;
let session = null;
let identity = null;
let retryTimer = null;
let retryDelay = FIRST_RETRY_MS;

/** The room of this peer, which is the one that was left if it is the same peer. */
function enterRoom(peerKey) {
  if (room !== null && peerKey !== null && room.peerKey === peerKey) return;
  room?.close();
  room = new Room(peerKey);
}

function setSession(current) {
  session = current;
  room.session = current;
}

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

function waitingText(present, peerHasLeft) {
  if (present) return 'The peer is there. Agreeing on keys…';
  if (peerHasLeft) return 'The peer has left. Waiting for it to come back…';
  if (identity.role === 'initiator') return identity.trustedKey === null ? 'Waiting for somebody with your invitation…' : 'Waiting for the peer that you met before…';
  if (identity.trustedKey !== null) return 'The peer is not there. Waiting for it to come back…';
  return 'The peer is not there. Waiting for it… If it has met somebody with this invitation already, ask for a new one.';
}

/** `peerHasLeft`: it said good-bye the last time. */
function meet(peerHasLeft = false) {
  $('again').hidden = true;
  status('connecting', 'Connecting to the server…');
  const current = new Session(identity, rtcConfig());
  setSession(current);
  identity.secretKey = current.secretKey;
  current.isReady = false;
  current.oninvite = (token) => {
    const trusted = identity.trustedKey !== null;
    const uri = formatInvitation({ server: identity.server, initiatorKey: current.publicKey, token: trusted ? null : token });
    $('link').textContent = uri;
    $('link').href = linkTo(uri);
    $('waiting').hidden = trusted;
    $('known').hidden = !trusted;
    if (!trusted) announce('Your invitation is on the page.');
    tell('invitation', { uri, link: linkTo(uri) });
  };
  current.onwaiting = (present) => status('connecting', waitingText(present, peerHasLeft));
  current.onpeer = (peerKey) => {
    retryDelay = FIRST_RETRY_MS;
    hideInvitation();
    trust(identity, current.secretKey, peerKey);
    room.peerKey = peerKey;
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
    room.sendNext();
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
    room.addMessage('peer', text);
    tell('chat', { text });
  };
  current.onfilechannel = (channel) => room.receive(channel);
  current.onend = ({ reason, code, goodbye, final }) => {
    if (session !== current) return;
    setSession(null);
    $('path').textContent = '';
    if (final) {
      hideInvitation();
      $('again').hidden = false;
      status('ended', reason);
    } else {
      status('connecting', `${reason} Trying again…`);
      retryTimer = setTimeout(meet, retryDelay, goodbye || peerHasLeft);
      retryDelay = Math.min(2 * retryDelay, LAST_RETRY_MS);
    }
    tell('end', { reason, code });
  };
  try {
    current.connect();
  } catch (error) {
    current.end({ reason: error.message });
  }
}

function hideInvitation() {
  for (const id of ['waiting', 'known']) $(id).hidden = true;
  $('link').textContent = '';
  $('link').removeAttribute('href');
  $('copy').textContent = 'Copy the link';
}

/** What is wrong with what is in a field, or null for nothing. */
function complain(field, problem) {
  $(`${field}-problem`).textContent = problem ?? '';
  if (problem === null) {
    $(field).removeAttribute('aria-invalid');
    return;
  }
  $(field).setAttribute('aria-invalid', 'true');
  $(field).focus();
  tell('problem', { text: problem });
}

/** False if that cannot be used, which the field then says. */
function begin(field, makeIdentity) {
  try {
    identity = makeIdentity();
  } catch (error) {
    complain(field, error.message);
    return false;
  }
  for (const id of ['invitation', 'server']) complain(id, null);
  enterRoom(identity.trustedKey ?? identity.initiatorKey ?? null);
  show('meeting');
  // What had it is hidden now.
  $('status').focus();
  retryDelay = FIRST_RETRY_MS;
  meet();
  return true;
}

function leave() {
  clearTimeout(retryTimer);
  const current = session;
  session = null;
  if (room !== null) room.session = null;
  current?.leave();
  hideInvitation();
  $('again').hidden = true;
  $('path').textContent = '';
  history.replaceState(null, '', location.pathname + location.search);
  show('start');
  listKnown();
  status('start', 'Not connected.');
}

function join(text) {
  $('invitation').value = text;
  if (begin('invitation', () => responderIdentity(parseInvitation(text)))) $('invitation').value = '';
}

function invite(text) {
  $('server').value = text;
  if (!begin('server', () => initiatorIdentity(parseServer(text)))) return;
  history.replaceState(null, '', `${location.pathname}${location.search}#invite=${encodeURIComponent(text)}`);
}

/** Of the keys, nothing is left, and nothing of what was said and sent. */
function forgetPeer() {
  forget(identity);
  leave();
  room.close();
  room = null;
  listKnown();
}

function listKnown() {
  const peers = knownPeers();
  $('peers').hidden = peers.length === 0;
  $('peer-list').replaceChildren(...peers.map(({ peerKey, server, forget: drop }) => {
    const item = document.createElement('li');
    const name = document.createElement('span');
    name.textContent = `${peerKey.slice(0, 16)}…, ${server === null ? 'who invited you' : `invited over ${server}`}`;
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Forget';
    button.setAttribute('aria-label', `Forget ${peerKey.slice(0, 16)}`);
    button.addEventListener('click', () => {
      drop();
      if (room?.peerKey === peerKey) {
        room.close();
        room = null;
      }
      listKnown();
      announce('The peer is forgotten.');
      $('invitation').focus();
    });
    item.append(name, button);
    return item;
  }));
}

// --- What people do ---

const onClick = (id, action) => $(id).addEventListener('click', action);
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
    room.addMessage('me', text);
    $('text').value = '';
  } else {
    room.addMessage('note', 'Nobody is there yet. Send it again once the peer is there.');
  }
});
onClick('leave', () => {
  leave();
  $('invitation').focus();
});
onClick('forget', () => {
  forgetPeer();
  announce('The peer is forgotten.');
  $('invitation').focus();
});
onClick('other', () => {
  const server = formatServer(identity.server);
  forgetPeer();
  invite(server);
});
onClick('again', () => {
  $('status').focus();
  retryDelay = FIRST_RETRY_MS;
  meet();
});
onClick('copy', async () => {
  // The clipboard is for secure pages only, and can be forbidden; then the user copies what is selected.
  try {
    await navigator.clipboard.writeText($('link').href);
    $('copy').textContent = 'Copied';
    announce('The link is copied.');
  } catch {
    getSelection().selectAllChildren($('link'));
    $('copy').textContent = 'Selected: copy it now';
    announce('The invitation is selected, for you to copy.');
  }
});
$('file').addEventListener('change', ({ target }) => {
  room.sendFiles(target.files);
  target.value = '';
});
for (const type of ['dragover', 'dragleave', 'drop']) {
  document.addEventListener(type, (event) => {
    event.preventDefault();
    // Without a peer there is nobody whom it could be for.
    if ($('meeting').hidden) return;
    $('drop').classList.toggle('over', type === 'dragover');
    if (type === 'drop') room.sendFiles(event.dataTransfer.files);
  });
}

function open(hash) {
  let fragment = hash.slice(1);
  try { fragment = decodeURIComponent(fragment); } catch { /* not an invitation, as will be said */ }
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
  current?.end({ reason: '' });
});
listKnown();
open(location.hash);
