// One meeting with the peer: SaltyRTC handshake, WebRTC connection, handover. When it ends, for
// whatever reason, a new session can be made.
/* global saltyrtcClient, saltyrtcTaskWebrtc */
import { SecureChannel } from './secure-channel.js';

export const FILE_CHANNEL = { label: 'file', protocol: 'v1.file.saltyrtc.org' };

/** A peer that does not say how much it takes gets this, as RFC 8841 has it. */
const DEFAULT_MAX_MESSAGE_SIZE = 65536;

const LAST_WORDS_MS = 1000;

export class Session {
  #client;
  #task = null;
  #connection = null;
  #rtcConfig;
  #handedOver = false;
  #closeCode = null;
  #ended = false;
  #wrongServer = false;
  #steps = Promise.resolve();

  /** `(token)`: the initiator invites with this token, or without one. */
  oninvite = () => {};
  /** `(present)`: the server is reached, and the peer is there or not, so far as the server tells us. */
  onwaiting = () => {};
  /** `(peer's permanent key)`: the peer has proved who it is; `say` works from now on. */
  onpeer = () => {};
  /** The data channels work. */
  onready = () => {};
  /** The signalling has moved to the data channel. */
  onhandover = () => {};
  /** `(text)` */
  onchat = () => {};
  /** `(SecureChannel)`: the peer wants to send a file. */
  onfilechannel = () => {};
  /**
   * Over, once: the `reason` for people; the `code` of the peer's 'close', or null if there was none; whether the
   * peer said `goodbye`; and whether that is `final`, so that another session would end in the same way.
   */
  onend = () => {};

  /**
   * `identity` has `role`, `server`, `secretKey` (or null), `initiatorKey` and `token` (of a responder
   * that trusts nobody yet), `trustedKey` (of the peer, or null).
   */
  constructor(identity, rtcConfig) {
    this.#rtcConfig = rtcConfig;
    const { server, role } = identity;
    const builder = new saltyrtcClient.SaltyRTCBuilder()
      .connectTo(server.host, server.port)
      .withKeyStore(new saltyrtcClient.KeyStore(identity.secretKey ?? undefined))
      .withPingInterval(30)
      .usingTasks([new saltyrtcTaskWebrtc.WebRTCTaskBuilder().withVersion('v1').build()]);
    if (server.key !== null) builder.withServerKey(server.key);
    if (identity.trustedKey !== null) builder.withTrustedPeerKey(identity.trustedKey);
    else if (role === 'responder') builder.initiatorInfo(identity.initiatorKey, identity.token);
    this.role = role;
    this.#client = role === 'initiator' ? builder.asInitiator() : builder.asResponder();
    // The client knows TLS only; a server on the same machine often has none.
    this.#client.signaling.protocol = server.scheme;
    this.#listen();
  }

  get secretKey() { return this.#client.keyStore.secretKeyHex; }

  get publicKey() { return this.#client.permanentKeyHex; }

  connect() {
    this.#client.connect();
    if (this.role === 'initiator') this.oninvite(this.#client.authTokenHex);
  }

  /** Sends a line of chat; false if nobody is there. */
  say(text) {
    if (this.#client.state !== 'task') return false;
    this.#client.sendApplicationMessage(text);
    return true;
  }

  /** Opens a channel for one file. Rejects if it does not open. */
  async openFileChannel() {
    if (this.#connection === null) throw new Error('not connected');
    const channel = this.#connection.createDataChannel(FILE_CHANNEL.label, { protocol: FILE_CHANNEL.protocol });
    await new Promise((resolve, reject) => {
      channel.onopen = resolve;
      channel.onclose = () => reject(new Error('the channel did not open'));
    });
    return this.#secure(channel);
  }

  /** ICE statistics of the path in use, or null. */
  async path() {
    const stats = await this.#connection?.getStats();
    for (const report of stats?.values() ?? []) {
      if (report.type !== 'candidate-pair' || !report.nominated || report.state !== 'succeeded') continue;
      return {
        local: stats.get(report.localCandidateId)?.candidateType,
        remote: stats.get(report.remoteCandidateId)?.candidateType,
        roundTripTime: report.currentRoundTripTime,
      };
    }
    return null;
  }

  /** Leaves for good, which the peer is told. */
  leave() {
    try {
      // `disconnect` does not do that.
      if (this.#client.state === 'task') this.#client.signaling.sendClose(saltyrtcClient.CloseCode.ClosingNormal);
    } catch { /* the peer is gone already */ }
    this.end({ reason: '', leaving: true });
  }

  /** Ends without telling the peer: it may expect us back. */
  end({ reason, leaving = false, goodbye = false, final = false }) {
    if (this.#ended) return;
    this.#ended = true;
    const client = this.#client;
    client.off();
    try { client.disconnect(); } catch { /* it was closed already */ }
    // What was just sent has to get out first.
    setTimeout(() => this.#connection?.close(), leaving ? LAST_WORDS_MS : 0);
    this.onend({ reason, code: this.#closeCode, goodbye, final });
  }

  #listen() {
    const client = this.#client;
    const { signaling } = client;
    client.on('state-change', ({ data: state }) => {
      if (state === 'task') this.#meet();
      else if (state === 'closed' && this.#handedOver) this.#peerLeft();
    });
    // Until the handover, the WebSocket carries everything.
    client.on('connection-closed', ({ data: code }) => this.end(this.#whyClosed(code)));
    // By itself, the client would not tell us that there is another server than expected...
    const validateSignedKeys = signaling.validateSignedKeys;
    signaling.validateSignedKeys = (...parameters) => {
      this.#wrongServer = true;
      validateSignedKeys.apply(signaling, parameters);
      this.#wrongServer = false;
    };
    // ... nor whether the initiator is there, now or from now on...
    const initPeerHandshake = signaling.initPeerHandshake;
    signaling.initPeerHandshake = () => {
      this.onwaiting(this.role === 'responder' && signaling.initiator.connected);
      initPeerHandshake.call(signaling);
    };
    // ... nor about the peer's 'close'.
    signaling.handleClose = ({ reason: code }) => {
      this.#closeCode = code;
      const { CloseCode, explainCloseCode } = saltyrtcClient;
      if (code === CloseCode.ClosingNormal || code === CloseCode.GoingAway) this.#peerLeft();
      else this.end({ reason: `The peer has left: ${explainCloseCode(code)}.` });
    };
    client.on('connection-error', () => this.end({ reason: 'The server cannot be reached.' }));
    client.on('no-shared-task', () => this.end({ reason: 'The peer does not speak WebRTC.' }));
    client.on('peer-disconnected', () => {
      if (this.#task === null) this.onwaiting(false);
      else if (!this.#handedOver) this.#peerLeft();
    });
    client.on('application', ({ data }) => { if (typeof data === 'string') this.onchat(data); });
    client.on('handover', () => {
      this.#handedOver = true;
      this.onhandover();
    });
  }

  #peerLeft() { this.end({ reason: 'The peer has left.', goodbye: true }); }

  /** What it means that the WebSocket was closed with this code. */
  #whyClosed(code) {
    const { CloseCode } = saltyrtcClient;
    if (this.#wrongServer || code === CloseCode.InvalidKey) {
      return {
        reason: 'This is not the server that was meant: it has another key. Check the address and the key after the question mark, or ask for a new invitation.',
        final: true,
      };
    }
    switch (code) {
      case CloseCode.InitiatorCouldNotDecrypt:
        return { reason: 'The peer does not accept this invitation: it was used already, or is out of date. Ask for a new one.', final: true };
      case CloseCode.DroppedByInitiator:
        return { reason: 'The peer is talking to somebody else, who has used this invitation. Ask for a new one.', final: true };
      case CloseCode.PathFull:
        return { reason: 'Too many are trying to reach the peer.' };
      default:
        return { reason: 'The connection to the server has ended.' };
    }
  }

  #meet() {
    const task = this.#client.getTask();
    this.#task = task;
    const connection = new RTCPeerConnection(this.#rtcConfig);
    this.#connection = connection;
    connection.onicecandidate = ({ candidate }) => {
      if (this.#client.state !== 'task') return;
      // null is the end of the candidates, which the protocol knows as well.
      task.sendCandidates([candidate && {
        candidate: candidate.candidate,
        sdpMid: candidate.sdpMid,
        sdpMLineIndex: candidate.sdpMLineIndex,
        usernameFragment: candidate.usernameFragment,
      }]);
    };
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === 'failed') this.end({ reason: 'The connection to the peer is lost.' });
    };
    connection.ondatachannel = ({ channel }) => {
      if (channel.label !== FILE_CHANNEL.label || channel.protocol !== FILE_CHANNEL.protocol) return channel.close();
      // Made secure at once: messages may follow immediately.
      this.onfilechannel(this.#secure(channel));
    };
    // One after another, in the order in which they came: a candidate needs the description before it.
    const step = (what, action) => {
      this.#steps = this.#steps.then(action).catch((error) => {
        if (!this.#ended) console.error(`${what}:`, error);
      });
    };
    task.on('candidates', ({ data }) => {
      for (const candidate of data) {
        step('a candidate of the peer', () => connection.addIceCandidate(candidate ?? undefined));
      }
    });
    if (this.role === 'initiator') {
      connection.onnegotiationneeded = () => step('the offer', async () => {
        await connection.setLocalDescription();
        task.sendOffer(connection.localDescription);
      });
      task.on('answer', ({ data }) => step('the answer', () => connection.setRemoteDescription(data)));
    } else {
      task.on('offer', ({ data }) => step('the offer of the peer', async () => {
        await connection.setRemoteDescription(data);
        await connection.setLocalDescription();
        task.sendAnswer(connection.localDescription);
      }));
    }
    this.#prepareHandover(connection, task);
    this.onpeer(this.#client.peerPermanentKeyHex);
  }

  #prepareHandover(connection, task) {
    const link = task.getTransportLink();
    const channel = connection.createDataChannel(link.label, {
      id: link.id, negotiated: true, ordered: true, protocol: link.protocol,
    });
    channel.binaryType = 'arraybuffer';
    channel.onmessage = ({ data }) => link.receive(new Uint8Array(data));
    channel.onopen = () => {
      channel.onclose = () => {
        // Not tied any more if the task has closed the channel itself.
        try { link.closed(); } catch { /* the session is over already */ }
        this.#peerLeft();
      };
      // Without going back to the event loop: a message that came in between would be lost.
      task.handover({
        maxMessageSize: this.#maxMessageSize(),
        send: (chunk) => channel.send(chunk),
        close: () => channel.close(),
      });
      this.onready();
    };
  }

  #secure(channel) { return new SecureChannel(channel, this.#task, this.#maxMessageSize()); }

  #maxMessageSize() { return this.#connection.sctp?.maxMessageSize || DEFAULT_MAX_MESSAGE_SIZE; }
}
