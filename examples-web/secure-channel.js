// A secure data channel: NaCl inside of DTLS. Each message is encrypted, then cut into chunks.
/* global chunkedDc, saltyrtcClient, saltyrtcTaskWebrtc */

const HIGH_WATER = 1024 * 1024;
const LOW_WATER = 256 * 1024;
const LARGEST_CHUNK = 256 * 1024;
const NONCE_BYTES = saltyrtcTaskWebrtc.DataChannelCryptoContext.NONCE_LENGTH;

export class SecureChannel {
  #channel;
  #crypto;
  #chunkSize;
  #messageId = 0;
  #unchunker = new chunkedDc.UnreliableUnorderedUnchunker();
  #changed = () => {};

  /** Takes a message as Uint8Array. */
  onmessage = () => {};
  /** Called once. */
  onclose = () => {};

  /** `channel` is open: only then it has the id that its messages are bound to. */
  constructor(channel, task, maxMessageSize) {
    this.#channel = channel;
    this.#crypto = task.createCryptoContext(channel.id);
    this.#chunkSize = Math.min(maxMessageSize, LARGEST_CHUNK);
    channel.binaryType = 'arraybuffer';
    channel.bufferedAmountLowThreshold = LOW_WATER;
    channel.onmessage = ({ data }) => this.#receive(data);
    channel.onbufferedamountlow = () => this.#changed();
    channel.onclose = () => {
      this.#changed();
      this.onclose();
      this.onclose = () => {};
    };
    this.#unchunker.onMessage = (bytes) => {
      this.onmessage(this.#crypto.decrypt(saltyrtcClient.Box.fromUint8Array(bytes, NONCE_BYTES)));
    };
  }

  get isOpen() { return this.#channel.readyState === 'open'; }

  /** What `send` has taken and the network has not. */
  get bufferedAmount() { return this.#channel.bufferedAmount; }

  /** Throws if the channel is not open. */
  send(message) {
    const box = this.#crypto.encrypt(message).toUint8Array();
    for (const chunk of new chunkedDc.UnreliableUnorderedChunker(this.#messageId++, box, this.#chunkSize)) {
      this.#channel.send(chunk);
    }
  }

  /** Waits until there is room for more; false if the channel has closed instead. */
  async ready() {
    if (this.bufferedAmount >= HIGH_WATER) await new Promise((resolve) => { this.#changed = resolve; });
    return this.isOpen;
  }

  close() { this.#channel.close(); }

  #receive(data) {
    try {
      this.#unchunker.add(new Uint8Array(data));
    } catch (error) {
      // Not from the peer: whoever sends this is not to be talked to.
      console.error('The secure data channel is broken:', error);
      this.close();
    }
  }
}
