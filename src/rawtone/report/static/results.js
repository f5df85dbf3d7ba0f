"use strict";
// The list or the grid of clips, a screenful at a time, and the count of what is hidden.
rawtone.results = (() => {
  const { find, element, filters, player } = rawtone;
  const [results, more, counted, everything] = ["results", "more", "counted", "everything"].map(find);
  const AT_ONCE = 48;
  let found = filters.apply();
  let list = null;

  const mark = () => {
    const current = player.hidden() ? null : player.current();
    for (const old of results.querySelectorAll("[aria-current]")) old.removeAttribute("aria-current");
    const here = current ? `[data-clip="${CSS.escape(current.id)}"]` : null;
    if (here) for (const card of results.querySelectorAll(here)) card.setAttribute("aria-current", "true");
    state();
  };

  const state = () => {
    for (const card of results.querySelectorAll("[data-clip]")) {
      const here = card.matches("[aria-current]") && player.playing();
      card.classList.toggle("playing", here);
      const button = card.querySelector(":scope > .picture > .play") ?? card;
      const words = button.getAttribute("aria-label").replace(/^\w+/, here ? "Pause" : "Play");
      button.setAttribute("aria-label", words);
    }
  };

  const add = (count = AT_ONCE) => {
    const from = list.childElementCount;
    const cards = found.shown.slice(from, from + count);
    list.append(...cards.map((clip) => rawtone.cards.card(clip, found.folded(clip))));
    const left = found.shown.length - list.childElementCount;
    more.hidden = left === 0;
    more.textContent = `Show ${Math.min(left, AT_ONCE)} more of ${left.toLocaleString("en")}`;
    mark();
  };

  const count = () => {
    const { filtered, silent, folded } = found.hidden;
    const parts = [
      [filtered, "not chosen"],
      [silent, "silent"],
      [filters.view() === "grid" ? 0 : folded, "folded under others"],
    ];
    const words = parts.filter(([n]) => n).map(([n, why]) => `${n.toLocaleString("en")} ${why}`);
    const shown = filters.view() === "grid" ? found.all.length : found.shown.length;
    const of = shown < rawtone.clips.length ? ` of ${rawtone.clips.length.toLocaleString("en")}` : "";
    counted.textContent = `${shown.toLocaleString("en")}${of} ${rawtone.clips.length === 1 ? "clip" : "clips"}${
      words.length ? `; hidden: ${words.join(", ")}` : ""
    }.`;
    everything.hidden = words.length === 0;
  };

  const show = () => {
    found = filters.apply();
    results.replaceChildren();
    more.hidden = true;
    if (filters.view() === "grid") {
      results.append(...rawtone.grid.tables(found.all));
      player.follow([...results.querySelectorAll(".chip")].map((chip) => byId.get(chip.dataset.clip)));
    } else {
      list = element("ol", { class: "cards", role: "list" });
      results.append(list);
      player.follow(found.shown);
      add();
    }
    if (!found.all.length) results.append(element("p", { class: "none" }, "No clips."));
    count();
    mark();
    document.dispatchEvent(new CustomEvent("rawtone:shown"));
  };

  const byId = new Map(rawtone.clips.map((clip) => [clip.id, clip]));

  /** Bring the card of the current clip into view, and the focus with it if it was on a card. */
  const reveal = () => {
    const current = player.current();
    if (!current || player.hidden()) return;
    const index = found.shown.findIndex((clip) => clip.id === current.id);
    if (list?.isConnected && index >= list.childElementCount) add(index + 1 - list.childElementCount);
    const card = results.querySelector(`[data-clip="${CSS.escape(current.id)}"]`);
    if (!card) return;
    const look = () => card.scrollIntoView({ block: "nearest" });
    look();
    requestAnimationFrame(() => requestAnimationFrame(look)); // what came into view has its size now
    const button = card.querySelector(".play") ?? card;
    if (results.contains(document.activeElement)) button.focus({ preventScroll: true });
  };

  filters.form.addEventListener("change", show);
  everything.addEventListener("click", filters.everything);
  more.addEventListener("click", () => {
    const next = list.childElementCount;
    add();
    list.children[next]?.querySelector(".play").focus();
  });
  document.addEventListener("rawtone:clip", mark);
  document.addEventListener("rawtone:state", state);
  show();

  return { reveal, candidates: () => found.all };
})();
