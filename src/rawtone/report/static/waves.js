"use strict";
// Waveforms, drawn from the peaks that are in the page, when they come into view.
rawtone.waves = (() => {
  const peaks = (clip) => {
    const bytes = atob(clip.peaks ?? "");
    return Int8Array.from(bytes, (letter) => (letter.charCodeAt(0) << 24) >> 24);
  };

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  /** Draw a clip; what has been heard of it, a share from 0 to 1, in a stronger colour. */
  const draw = (canvas, clip, heard = 0) => {
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!width) return;
    const scale = window.devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const values = peaks(clip);
    const bars = Math.max(1, Math.min(values.length / 2, Math.floor(width / 2)));
    const [soft, strong] = [colour("--wave"), colour("--wave-heard")];
    for (let bar = 0; bar < bars; bar++) {
      const from = Math.floor((bar * values.length) / 2 / bars);
      const to = Math.max(from + 1, Math.floor(((bar + 1) * values.length) / 2 / bars));
      let [low, high] = [127, -127];
      for (let i = from; i < to; i++) {
        low = Math.min(low, values[2 * i]);
        high = Math.max(high, values[2 * i + 1]);
      }
      const top = (height / 2) * (1 - high / 127);
      const bottom = (height / 2) * (1 - low / 127);
      pen.fillStyle = (bar + 0.5) / bars < heard ? strong : soft;
      pen.fillRect((bar * width) / bars, top, Math.max(1, width / bars - 0.6), Math.max(1, bottom - top));
    }
  };

  const shown = new Map();
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!target.isConnected) {
          watcher.unobserve(target);
          shown.delete(target);
        } else if (isIntersecting) draw(target, shown.get(target));
      }
    },
    { rootMargin: "200px" },
  );

  /** Return a canvas that draws a clip as soon as it can be seen. */
  const canvas = (clip) => {
    const element = rawtone.element("canvas", { "aria-hidden": "true" });
    shown.set(element, clip);
    watcher.observe(element);
    return element;
  };

  const redraw = () => {
    for (const [element, clip] of shown) {
      if (element.isConnected && element.width !== 300) draw(element, clip);
    }
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(redraw, 150);
  });

  return { canvas, draw };
})();
