// The invitation URI: <scheme>://<host>[:<port>]/<initiator's key>[?<server's key>][#<token>]
// with keys and token in hexadecimal.

const PATTERN =
  /^(wss?):\/\/(\[[0-9a-f:.]+\]|[^\s:\/?#@]+)(?::(\d{1,5}))?\/([0-9a-f]{64})(?:\?([0-9a-f]{64})?)?(?:#([0-9a-f]{64})?)?$/i;
const SERVER_PATTERN = /^(wss?):\/\/(\[[0-9a-f:.]+\]|[^\s:\/?#@]+)(?::(\d{1,5}))?\/?(?:\?([0-9a-f]{64})?)?$/i;
const PORTS = { ws: 80, wss: 443 };

const serverOf = (scheme, host, port, key) => {
  const server = {
    scheme: scheme.toLowerCase(),
    host,
    port: Number(port ?? PORTS[scheme.toLowerCase()]),
    key: key?.toLowerCase() ?? null,
  };
  if (server.port < 1 || server.port > 65535) throw new Error('The port of the server is not between 1 and 65535.');
  return server;
};

/** Of the invitation, or of a link to a page that carries it. Throws an error with a text for people. */
export function parseInvitation(text) {
  let uri = text.trim();
  if (/^https?:/i.test(uri)) {
    uri = uri.slice(uri.indexOf('#') + 1);
    try { uri = decodeURIComponent(uri); } catch { /* not an invitation, as will be said */ }
  }
  const match = PATTERN.exec(uri);
  if (!match) throw new Error('This is not an invitation. An invitation looks like wss://example.org/… and is complete only with what follows the # sign.');
  const [, scheme, host, port, initiatorKey, serverKey, token] = match;
  return {
    server: serverOf(scheme, host, port, serverKey),
    initiatorKey: initiatorKey.toLowerCase(),
    token: token?.toLowerCase() ?? null,
  };
}

/** `wss://host[:port][/?server's key]`, for who invites. */
export function parseServer(text) {
  const match = SERVER_PATTERN.exec(text.trim());
  if (!match) throw new Error('This is not the address of a server. It looks like wss://example.org:8765.');
  return serverOf(...match.slice(1));
}

const format = (server, path) => {
  const port = server.port === PORTS[server.scheme] ? '' : `:${server.port}`;
  return `${server.scheme}://${server.host}${port}/${path}${server.key === null ? '' : `?${server.key}`}`;
};

/** What `parseServer` reads. */
export const formatServer = (server) => format(server, '');

export const formatInvitation = ({ server, initiatorKey, token }) =>
  `${format(server, initiatorKey)}${token === null ? '' : `#${token}`}`;

/** The link to this page that carries the invitation. */
export const linkTo = (uri) => `${location.origin}${location.pathname}${location.search}#${uri.replace('#', '%23')}`;
