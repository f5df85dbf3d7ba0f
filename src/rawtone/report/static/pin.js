"use strict";
// The lines of params.yaml that hold on to the checkpoint that an ear has chosen.
(() => {
  const { find, player } = rawtone;
  const lines = (step) => `select:\n  step: ${step}`;

  // Without https the browser's clipboard is closed to pages; selecting and copying still works.
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = rawtone.element("textarea", { "aria-label": "Lines to copy" });
      const focused = document.activeElement;
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      focused?.focus();
      return done;
    }
  };

  const pin = async (text, experiment) => {
    const where = `under experiments: ${experiment}: in params.yaml`;
    if (await copy(text)) rawtone.tell(`Copied. Put it ${where}.`);
    else rawtone.tell(`Put ${text.replace(/\s+/g, " ")} ${where}.`);
  };

  const follow = () => {
    const clip = player.current();
    if (player.hidden()) return;
    const shown = document.querySelector(`[data-pin="${CSS.escape(clip.experiment)}"]`);
    if (shown) shown.textContent = lines(clip.step);
  };

  for (const button of document.querySelectorAll("[data-copy-pin]")) {
    const { copyPin } = button.dataset;
    const shown = document.querySelector(`[data-pin="${CSS.escape(copyPin)}"]`);
    button.addEventListener("click", () => pin(shown.textContent, copyPin));
  }
  for (const button of document.querySelectorAll("[data-play-best]")) {
    const first = rawtone.clips.find((clip) => clip.experiment === button.dataset.playBest);
    button.addEventListener("click", () => player.open(first));
  }
  find("pin").addEventListener("click", () => {
    const { step, experiment } = player.current();
    pin(lines(step), experiment);
  });
  document.addEventListener("rawtone:clip", follow);
})();
