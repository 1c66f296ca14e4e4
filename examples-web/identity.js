// Who we are and whom we trust, kept in this browser, so that a reload finds the peer again without a
// new invitation. There are secret keys among it: whoever can use this browser can be us.

const PREFIX = 'saltyrtc-example:';

const load = (name) => JSON.parse(localStorage.getItem(PREFIX + name) ?? 'null');
const store = (name, value) => localStorage.setItem(PREFIX + name, JSON.stringify(value));

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

const nameOf = ({ scheme, host, port }) => `initiator ${scheme}://${host}:${port}`;
