// Files over secure data channels: PROTOCOL.md. No page in here.
import { Sha256, toHex } from './sha256.js';

const OFFER = 1;
const ACCEPT = 2;
const DATA = 3;
const RECEIVED = 4;
const FAILED = 5;

const DATA_BYTES = 65000;
const READ_BYTES = 64 * DATA_BYTES;
/** Handed to the browser in such parts, which keeps them on disk. */
const BLOB_BYTES = 8 * 1024 * 1024;
const MAX_NAME_BYTES = 255;
const MAX_REASON_BYTES = 1000;
/** Of all files together that are not thrown away yet. */
const MAX_RECEIVED_BYTES = 64 * 1024 ** 3;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function message(type, length = 0) {
  const bytes = new Uint8Array(1 + length);
  bytes[0] = type;
  return bytes;
}

function withNumber(type, number) {
  const bytes = message(type, 8);
  viewOf(bytes).setBigUint64(1, BigInt(number));
  return bytes;
}

function failed(reason) {
  const text = encoder.encode(reason).subarray(0, MAX_REASON_BYTES);
  const bytes = message(FAILED, text.length);
  bytes.set(text, 1);
  return bytes;
}

const reasonOf = (bytes) => decoder.decode(bytes.subarray(1, 1 + MAX_REASON_BYTES)) || 'no reason was given';

function numberIn(bytes, at) {
  const number = viewOf(bytes).getBigUint64(at);
  if (number > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error('a number is too large');
  return Number(number);
}

function shortened(name) {
  const bytes = encoder.encode(name);
  if (bytes.length <= MAX_NAME_BYTES) return bytes;
  // Not in the middle of a character.
  let end = MAX_NAME_BYTES;
  while ((bytes[end] & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

function safeName(bytes) {
  // eslint-disable-next-line no-control-regex
  const name = decoder.decode(bytes).split(/[\\/]/).pop().replace(/[\u0000-\u001f\u007f]/g, '_');
  return ['', '.', '..'].includes(name) ? 'file' : name;
}

/** What both directions have: `name`, `size`, `bytes` so far, `state`, `error`, and the rate. */
class Transfer {
  bytes = 0;
  error = null;
  sha256 = null;
  #since = 0;
  #bytesThen = 0;

  /** Called after each change. */
  onchange = () => {};

  constructor(direction, name, size, state) {
    Object.assign(this, { direction, name, size, state });
  }

  /** Bytes per second since the bytes began to flow this time. */
  get rate() {
    const seconds = (performance.now() - this.#since) / 1000;
    return this.state === 'running' && seconds > 0 ? (this.bytes - this.#bytesThen) / seconds : 0;
  }

  set(state, error = null) {
    if (state === 'running') {
      this.#since = performance.now();
      this.#bytesThen = this.bytes;
    }
    this.state = state;
    this.error = error;
    this.onchange(this);
  }

  get isOver() { return this.state === 'done' || this.state === 'failed'; }
}

/** States: queued, hashing, offered, running, done, failed; back to queued if the channel closes. */
export class Outgoing extends Transfer {
  #file;
  #hash = null;

  constructor(file) {
    super('out', file.name, file.size, 'queued');
    this.#file = file;
  }

  /** Sends as far as it goes: until done, failed, or the channel has closed. */
  async run(openChannel) {
    try {
      if (this.#hash === null) await this.#digest();
    } catch (error) {
      this.set('failed', `The file cannot be read: ${error.message}`);
      return;
    }
    const channel = await openChannel().catch(() => null);
    if (channel === null) {
      this.set('queued');
      return;
    }
    await new Promise((resolve) => {
      channel.onclose = () => {
        if (!this.isOver) this.set('queued');
        resolve();
      };
      channel.onmessage = (bytes) => this.#answer(channel, bytes);
      this.set('offered');
      channel.send(this.#offer());
    });
  }

  async #digest() {
    this.set('hashing');
    const hash = new Sha256();
    for (let at = 0; at < this.size; at += READ_BYTES) hash.update(await this.#read(at, at + READ_BYTES));
    this.#hash = hash.digest();
    this.sha256 = toHex(this.#hash);
  }

  async #read(from, to) { return new Uint8Array(await this.#file.slice(from, to).arrayBuffer()); }

  #offer() {
    const name = shortened(this.name);
    const bytes = message(OFFER, 40 + name.length);
    viewOf(bytes).setBigUint64(1, BigInt(this.size));
    bytes.set(this.#hash, 9);
    bytes.set(name, 41);
    return bytes;
  }

  #answer(channel, bytes) {
    const end = (state, error) => {
      this.set(state, error);
      channel.close();
    };
    if (bytes[0] === ACCEPT && bytes.length === 9 && this.state === 'offered' && numberIn(bytes, 1) <= this.size) {
      this.bytes = numberIn(bytes, 1);
      this.set('running');
      this.#send(channel, this.bytes).catch((error) => {
        if (!channel.isOpen) return;
        channel.send(failed('the file cannot be read any more'));
        this.set('failed', `The file cannot be read: ${error.message}`);
      });
    } else if (bytes[0] === RECEIVED && bytes.length === 1 && this.state === 'running') {
      this.bytes = this.size;
      end('done');
    } else if (bytes[0] === FAILED) {
      end('failed', `The peer says: ${reasonOf(bytes)}`);
    } else {
      channel.send(failed('this message is not allowed here'));
      this.set('failed', 'The peer does not keep to the protocol.');
    }
  }

  async #send(channel, from) {
    for (let at = from; at < this.size; at += READ_BYTES) {
      const part = await this.#read(at, at + READ_BYTES);
      for (let offset = 0; offset < part.length; offset += DATA_BYTES) {
        const data = part.subarray(offset, offset + DATA_BYTES);
        const bytes = message(DATA, data.length);
        bytes.set(data, 1);
        if (!await channel.ready() || this.isOver) return;
        channel.send(bytes);
        this.bytes = Math.max(from, at + offset + data.length - channel.bufferedAmount);
        this.onchange(this);
      }
    }
  }
}

/** States: running, waiting (for another channel), done (with `blob`), failed. */
class Incoming extends Transfer {
  #parts = [];
  #recent = [];
  #recentBytes = 0;
  #hash = new Sha256();
  blob = null;

  constructor(name, size, sha256) {
    super('in', name, size, 'waiting');
    this.sha256 = sha256;
  }

  add(data) {
    this.#hash.update(data);
    this.#recent.push(data);
    this.#recentBytes += data.length;
    if (this.#recentBytes >= BLOB_BYTES) this.#pack();
    this.bytes += data.length;
    this.onchange(this);
  }

  /** All bytes are there. False if they are not those of the offer. */
  finish() {
    this.#pack();
    const right = toHex(this.#hash.digest()) === this.sha256;
    if (right) this.blob = new Blob(this.#parts);
    this.#parts = [];
    return right;
  }

  #pack() {
    this.#parts.push(new Blob(this.#recent));
    this.#recent = [];
    this.#recentBytes = 0;
  }
}

/** Receives on all channels that it is given, and keeps what has come for the next time. */
export class Receiver {
  /** By size and hash. */
  #transfers = new Map();

  /** `(Incoming)`: a new file. */
  onfile = () => {};

  take(channel) {
    let transfer = null;
    channel.onclose = () => { if (transfer !== null && !transfer.isOver) transfer.set('waiting'); };
    channel.onmessage = (bytes) => {
      try {
        if (bytes[0] === OFFER && transfer === null) {
          transfer = this.#offered(bytes);
          transfer.set('running');
          channel.send(withNumber(ACCEPT, transfer.bytes));
        } else if (bytes[0] === DATA && transfer?.state === 'running') {
          if (bytes.length < 2 || bytes.length > 1 + DATA_BYTES) throw new Error('the data has a wrong size');
          if (bytes.length - 1 > transfer.size - transfer.bytes) throw new Error('this is more than the file has');
          transfer.add(bytes.subarray(1));
        } else if (bytes[0] === FAILED) {
          transfer?.set('failed', `The peer says: ${reasonOf(bytes)}`);
          this.#forget(transfer);
          channel.close();
          return;
        } else {
          throw new Error('this message is not allowed here');
        }
        if (transfer.bytes === transfer.size) this.#finish(channel, transfer);
      } catch (error) {
        if (transfer !== null && !transfer.isOver) {
          transfer.set('failed', `The peer does not keep to the protocol: ${error.message}.`);
          this.#forget(transfer);
        }
        if (channel.isOpen) channel.send(failed(error.message));
      }
    };
  }

  #offered(bytes) {
    if (bytes.length < 42 || bytes.length > 41 + MAX_NAME_BYTES) throw new Error('the offer has a wrong size');
    const size = numberIn(bytes, 1);
    const sha256 = toHex(bytes.subarray(9, 41));
    const key = `${size} ${sha256}`;
    const known = this.#transfers.get(key);
    if (known?.state === 'running') throw new Error('this file is being received already');
    if (known !== undefined) return known;
    const others = [...this.#transfers.values()].reduce((sum, other) => sum + other.size, 0);
    if (size > MAX_RECEIVED_BYTES - others) throw new Error('there is no room for a file of this size');
    const transfer = new Incoming(safeName(bytes.subarray(41)), size, sha256);
    this.#transfers.set(key, transfer);
    this.onfile(transfer);
    return transfer;
  }

  #finish(channel, transfer) {
    if (transfer.blob !== null || transfer.finish()) {
      transfer.set('done');
      channel.send(message(RECEIVED));
    } else {
      transfer.set('failed', 'What was received is not what was offered.');
      this.#forget(transfer);
      channel.send(failed('the hash of what was received is wrong'));
    }
  }

  #forget(transfer) { this.#transfers.delete(`${transfer?.size} ${transfer?.sha256}`); }
}
