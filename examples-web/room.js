// What belongs to one peer: the lines of chat and the files. Another peer gets another room, so that nothing is
// shown or sent to anybody whom it is not for.
import { $, announce, tell } from './screen.js';
import { Outgoing, Receiver } from './transfer.js';

const REDRAW_MS = 100;

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

export class Room {
  /** The permanent key of the peer, or null as long as nobody knows who will come. */
  peerKey;
  /** The meeting that goes on, or null. */
  session = null;
  #receiver = new Receiver();
  #outgoing = [];
  #sending = false;
  #closed = false;
  #links = [];

  constructor(peerKey) {
    this.peerKey = peerKey;
    this.#receiver.onfile = (transfer) => this.#addTransfer(transfer);
    this.#clear();
  }

  /** The peer is somebody else from now on: forgets all, and takes it off the screen. */
  close() {
    this.#closed = true;
    this.session = null;
    this.#outgoing.length = 0;
    for (const url of this.#links) URL.revokeObjectURL(url);
    this.#clear();
  }

  /** `kind`: me, peer or note. */
  addMessage(kind, text) {
    if (this.#closed) return;
    const item = document.createElement('li');
    item.className = kind;
    item.textContent = text;
    $('messages').append(item);
    item.scrollIntoView({ block: 'nearest' });
  }

  receive(channel) { this.#receiver.take(channel); }

  sendFiles(files) {
    for (const file of files) {
      const transfer = new Outgoing(file);
      this.#addTransfer(transfer);
      this.#outgoing.push(transfer);
    }
    this.sendNext();
  }

  /** One file after another, as long as there is a connection. */
  async sendNext() {
    if (this.#sending) return;
    this.#sending = true;
    while (this.#outgoing.length > 0 && this.session?.isReady) {
      const current = this.session;
      const [transfer] = this.#outgoing;
      await transfer.run(() => current.openFileChannel());
      if (this.#closed) return;
      if (transfer.isOver) this.#outgoing.shift();
      else if (this.session === current && current.isReady) break; // no channel to be had: wait for a new session
    }
    this.#sending = false;
  }

  #clear() {
    $('messages').replaceChildren();
    $('transfers').replaceChildren();
    $('text').value = '';
  }

  #addTransfer(transfer) {
    if (this.#closed) return;
    const item = $('transfer').content.cloneNode(true).firstElementChild;
    const find = (selector) => item.querySelector(selector);
    const { direction, name } = transfer;
    item.dataset.direction = direction;
    find('.name').textContent = name;
    find('.name').title = name;
    find('progress').setAttribute('aria-label', `${direction === 'in' ? 'Receiving' : 'Sending'} ${name}`);
    find('.save').setAttribute('aria-label', `Save ${name}`);
    $('transfers').prepend(item);
    const draw = () => {
      item.dataset.state = transfer.state;
      find('.note').textContent = note(transfer);
      find('progress').value = transfer.size === 0 ? 1 : transfer.bytes / transfer.size;
      if (transfer.state === 'done' && transfer.blob) {
        const link = find('.save');
        if (link.hidden) {
          link.href = URL.createObjectURL(transfer.blob);
          this.#links.push(link.href);
        }
        link.download = name;
        link.hidden = false;
      }
    };
    let timer = null;
    let state = null;
    transfer.onchange = () => {
      if (this.#closed) return;
      if (transfer.state !== state) {
        state = transfer.state;
        const { size, sha256, bytes, error } = transfer;
        tell('transfer', { direction, name, size, sha256, bytes, state, error });
        if (state === 'done') announce(`${direction === 'in' ? 'Received' : 'Sent'}: ${name}`);
        if (state === 'failed') announce(`${name}: ${error}`);
      }
      // Not for every message: the page has better things to do.
      timer ??= setTimeout(() => {
        timer = null;
        if (this.#closed) return;
        draw();
        tell('progress', { direction, name, bytes: transfer.bytes });
      }, REDRAW_MS);
    };
    draw();
  }
}
