// Runs in the page of examples-web before its own scripts: tells what happens in it, and, if its address has
// `talk`, talks by itself, once, as nobody who types could: from the moment at which the peers know each
// other until the signalling has been on the data channel for a while.
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
