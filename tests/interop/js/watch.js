// Runs in the page of examples-web before its own scripts: tells what happens in it. If its address has
//
// `talk`          it talks by itself, once, as nobody who types could: from the moment at which the peers know
//                 each other until the signalling has been on the data channel for a while;
// `chat-channel`  it chats over the secure data channel with this id, like gstreamer_webrtc, and not by
//                 application messages.
'use strict';

(() => {
  const tell = (detail) => { globalThis.interopEmit(JSON.stringify(detail)); };
  window.addEventListener('saltyrtc-example', ({ detail }) => tell(detail));

  // Who offers: the browser knows best.
  const descriptions = RTCPeerConnection.prototype;
  for (const [method, side] of [['setLocalDescription', 'local'], ['setRemoteDescription', 'remote']]) {
    const original = descriptions[method];
    descriptions[method] = async function (...description) {
      await original.apply(this, description);
      tell({ event: 'description', side, type: this[`${side}Description`].type });
    };
  }

  const query = new URLSearchParams(location.search);

  if (query.has('chat-channel')) {
    const id = Number(query.get('chat-channel'));
    // Called as soon as there is a task, just before the channel of the signalling is made, with which the
    // other one is made in the way that both sides agree on.
    const watch = (tasks, connections) => {
      let task = null;
      let crypto = null;
      const { getTransportLink } = tasks;
      tasks.getTransportLink = function () {
        task = this;
        return getTransportLink.call(this);
      };
      const { createDataChannel } = connections;
      connections.createDataChannel = function (...parameters) {
        const chat = createDataChannel.call(this, 'chat', { id, negotiated: true });
        crypto = task.createCryptoContext(id);
        chat.binaryType = 'arraybuffer';
        chat.onopen = () => tell({ event: 'chat-open' });
        chat.onmessage = ({ data }) => {
          const { Box } = saltyrtcClient;
          const { NONCE_LENGTH } = saltyrtcTaskWebrtc.DataChannelCryptoContext;
          const line = crypto.decrypt(Box.fromUint8Array(new Uint8Array(data), NONCE_LENGTH));
          tell({ event: 'chat', text: new TextDecoder().decode(line) });
        };
        globalThis.interopSay = (text) => chat.send(crypto.encrypt(new TextEncoder().encode(text)).toUint8Array());
        connections.createDataChannel = createDataChannel;
        return createDataChannel.apply(this, parameters);
      };
    };
    // The scripts of the page are there, and nothing has come from the network yet.
    document.addEventListener('DOMContentLoaded', () => {
      const tasks = Object.getPrototypeOf(new saltyrtcTaskWebrtc.WebRTCTaskBuilder().build());
      watch(tasks, RTCPeerConnection.prototype);
    });
  }

  const LINES_AFTER = 20;
  const PAUSE_MS = 5;
  if (query.has('talk') && sessionStorage.getItem('talked') === null) {
    let phase = 'before';
    let count = 0;
    let left = LINES_AFTER;
    let timer = null;
    const say = () => {
      if (phase === 'after' && left-- === 0) {
        clearInterval(timer);
        sessionStorage.setItem('talked', 'yes');
        phase = 'the end';
      }
      document.getElementById('text').value = `${++count} ${phase}`;
      document.querySelector('#say button').click();
    };
    window.addEventListener('saltyrtc-example', ({ detail: { event, phase: status } }) => {
      if (phase === 'the end') return;
      if (event === 'peer') timer = setInterval(say, PAUSE_MS);
      // `together`: this side has handed over. The other one may have been faster.
      else if (event === 'status' && status === 'together' && phase === 'before') phase = 'during';
      else if (event === 'handover') phase = 'after';
      else return;
      // Also at the very moment of each step.
      say();
    });
  }
})();
