"use strict";
// A clip as a card: picture, name, verdict, why it stands where it stands.
rawtone.cards = (() => {
  const { element, player } = rawtone;

  const icon = (path) => {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", "0 0 16 16");
    svg.setAttribute("aria-hidden", "true");
    for (const [name, d] of Object.entries(path)) {
      const part = svg.appendChild(document.createElementNS(space, "path"));
      part.setAttribute("class", name);
      part.setAttribute("d", d);
    }
    return svg;
  };
  const GO = { go: "M4 2.5v11L13 8z", stop: "M4 3h3v10H4zM9 3h3v10H9z" };

  const press = (clip) => {
    const here = player.current()?.id === clip.id && !player.hidden();
    if (here) player.toggle();
    else player.open(clip);
  };

  /** Start where the picture was clicked; the keyboard has the button and the player's slider. */
  const pressPicture = (clip, event) => {
    if (event.target.closest("button")) return;
    const box = event.currentTarget.getBoundingClientRect();
    player.open(clip, { at: ((event.clientX - box.left) / box.width) * clip.seconds });
  };

  const picture = (clip) =>
    element(
      "div",
      { class: "picture", onclick: (event) => pressPicture(clip, event) },
      rawtone.waves.canvas(clip),
      element("img", {
        src: rawtone.picture(clip),
        loading: "lazy",
        decoding: "async",
        width: 480,
        height: 96,
        alt: `Spectrogram of ${rawtone.name(clip)}`,
      }),
      element(
        "button",
        { type: "button", class: "play", "aria-label": `Play ${rawtone.name(clip)}`, onclick: () => press(clip) },
        icon(GO),
      ),
    );

  const facts = (clip) =>
    Object.entries({
      "likeness to the recordings": clip.nearest && `most like ${clip.nearest}; no copy`,
      score: clip.score !== undefined && clip.score.toFixed(2),
      heard: clip.heard,
      length: `${clip.seconds} s`,
      "made with": clip.how,
      "as wav": clip.wav,
      sha256: clip.sha256,
    }).filter(([, value]) => value);

  const details = (clip) => {
    const box = element("details", {}, element("summary", {}, "Details and file"));
    const fill = () => {
      const lines = facts(clip).map(([name, value]) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, value)),
      );
      const address = rawtone.address(clip);
      const file = element("a", { href: address, download: true }, `Save ${clip.sound.split("/").pop()}`);
      box.append(element("dl", { class: "facts" }, ...lines), element("p", {}, file));
    };
    box.addEventListener("toggle", fill, { once: true });
    return box;
  };

  const fold = (clip, others) => {
    if (!others.length) return "";
    const list = element("ul", { class: "folded", hidden: true });
    const words = `${others.length} much like it`;
    const button = element("button", { type: "button", class: "plain", "aria-expanded": "false" }, words);
    button.addEventListener("click", () => {
      list.hidden = !list.hidden;
      button.setAttribute("aria-expanded", String(!list.hidden));
      if (!list.childElementCount) list.append(...others.map((other) => card(other)));
    });
    return element("div", {}, button, list);
  };

  const verdict = (clip) => {
    if (!clip.verdict) return "";
    const good = clip.verdict === "sounds right";
    return element("p", { class: good ? "told good" : "told" }, clip.verdict);
  };

  /** Return a list item for a clip, with those folded under it. */
  const card = (clip, others = []) =>
    element(
      "li",
      { class: "clip", "data-clip": clip.id },
      picture(clip),
      element(
        "p",
        { class: "title" },
        clip.rank ? element("span", { class: "rank" }, String(clip.rank)) : "",
        element("strong", {}, rawtone.stepWords(clip).replace(/^s/, "S")),
        element("span", { class: "aside" }, rawtone.restWords(clip)),
      ),
      verdict(clip),
      clip.copy ? element("p", { class: "told copied" }, `A copy of ${clip.copy}`) : "",
      element("p", { class: "reasons" }, clip.reasons ?? clip.heard ?? `${clip.seconds} s`),
      fold(clip, others),
      details(clip),
    );

  return { card, press };
})();
