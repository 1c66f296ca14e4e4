// What every part of the page needs to show something.

export const $ = (id) => document.getElementById(id);

/** For programs that watch the page, such as the tests. */
export const tell = (event, detail = {}) => {
  window.dispatchEvent(new CustomEvent('saltyrtc-example', { detail: { event, ...detail } }));
};

/** Phases: start, connecting, together, ended. */
export function status(phase, text) {
  document.body.dataset.phase = phase;
  $('status').textContent = text;
  tell('status', { phase, text });
}

/** For those who do not see the page: what has changed elsewhere in it. */
export function announce(text) {
  $('announcement').textContent = text;
  tell('announcement', { text });
}

export function show(part) {
  for (const id of ['start', 'meeting']) $(id).hidden = id !== part;
  for (const id of ['leave', 'forget']) $(id).hidden = part !== 'meeting';
}
