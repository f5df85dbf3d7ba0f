"use strict";
// The keyboard. What a focused control does with a key goes first; nothing holds the focus.
(() => {
  const { find, player, blind } = rawtone;
  const help = find("help");
  const on = find("keys-on");

  const explain = () => {
    help.showModal();
    help.querySelector("form button").focus();
  };
  const then = (action) => () => {
    action();
    rawtone.results.reveal();
  };
  const seekBy = (seconds) => () => player.seek(player.place() + seconds);

  const PLAIN = {
    " ": player.toggle,
    ArrowLeft: seekBy(-1),
    ArrowRight: seekBy(1),
    v: blind.start,
    x: blind.swap,
  };
  const SHIFTED = {
    ArrowLeft: then(() => player.move(-1)),
    ArrowRight: then(() => player.move(1)),
    ArrowUp: then(() => player.changeBy(1)),
    ArrowDown: then(() => player.changeBy(-1)),
  };
  const VOTES = { 0: null, 1: 0, 2: 1 };

  const digit = (key) => {
    if (!blind.active()) player.seek((Number(key) / 10) * player.length());
    else if (key in VOTES) blind.vote(VOTES[key]);
  };

  /** Tell whether the focused control wants a key for itself. */
  const isTaken = ({ key, target }) => {
    if (target.closest("select, textarea, [contenteditable]")) return true;
    if (key === " ") return Boolean(target.closest("button, summary, input[type=checkbox], input[type=radio], audio"));
    if (key.startsWith("Arrow")) return Boolean(target.closest("input, audio"));
    return false;
  };

  document.addEventListener("keydown", (event) => {
    const { key } = event;
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (help.open) return;
    if (key === "?") {
      event.preventDefault();
      explain();
      return;
    }
    if (!on.checked || isTaken(event)) return;
    const shifted = event.shiftKey && key.startsWith("Arrow");
    const action = /^[0-9]$/.test(key) ? () => digit(key) : (shifted ? SHIFTED : PLAIN)[key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  on.checked = rawtone.recall("keys", true);
  on.addEventListener("change", () => rawtone.keep("keys", on.checked));
  find("help-open").addEventListener("click", explain);
})();
