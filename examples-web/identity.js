// Who we are and whom we trust, kept in this browser, so that a reload finds the peer again without a
// new invitation. There are secret keys among it: whoever can use this browser can be us.

const PREFIX = 'saltyrtc-example:';
const INITIATOR = 'initiator ';

const load = (name) => JSON.parse(localStorage.getItem(PREFIX + name) ?? 'null');
const store = (name, value) => localStorage.setItem(PREFIX + name, JSON.stringify(value));
const remove = (name) => localStorage.removeItem(PREFIX + name);

/** For an invitation. Throws if it cannot be used. */
export function responderIdentity({ server, initiatorKey, token }) {
  const known = load(initiatorKey);
  // A token that we have not seen is a new invitation: the peer may have forgotten us.
  const trusted = known !== null && (token === null || token === known.token);
  if (!trusted && token === null) {
    throw new Error('This invitation has no token, and this browser has not met that peer yet. Ask for a new invitation.');
  }
  return {
    role: 'responder',
    server,
    initiatorKey,
    token,
    secretKey: known?.secretKey ?? null,
    trustedKey: trusted ? initiatorKey : null,
  };
}

/** To invite over a server; the peer that came the last time is still trusted. */
export function initiatorIdentity(server) {
  const known = load(nameOf(server));
  return { role: 'initiator', server, secretKey: known?.secretKey ?? null, trustedKey: known?.peerKey ?? null };
}

/** The peer has proved to have this key. */
export function trust(identity, secretKey, peerKey) {
  identity.secretKey = secretKey;
  identity.trustedKey = peerKey;
  if (identity.role === 'initiator') store(nameOf(identity.server), { secretKey, peerKey });
  else store(peerKey, { secretKey, token: identity.token ?? load(peerKey)?.token ?? null });
}

/** The peer is a stranger from now on, and we are one to it. */
export function forget(identity) {
  if (identity.role === 'initiator') remove(nameOf(identity.server));
  else remove(identity.initiatorKey);
}

/** All that this browser trusts: the key, the server over which it was invited or null, and how to forget it. */
export function knownPeers() {
  const names = Array.from({ length: localStorage.length }, (_, index) => localStorage.key(index));
  return names.filter((name) => name.startsWith(PREFIX)).sort().map((name) => {
    const key = name.slice(PREFIX.length);
    const invited = key.startsWith(INITIATOR);
    return {
      peerKey: invited ? load(key).peerKey : key,
      server: invited ? key.slice(INITIATOR.length) : null,
      forget: () => remove(key),
    };
  });
}

const nameOf = ({ scheme, host, port }) => `${INITIATOR}${scheme}://${host}:${port}`;
