"use strict";
// Which clips are shown. Whatever is hidden is counted, and one press shows everything.
rawtone.filters = (() => {
  const { clips, find, element } = rawtone;
  const form = find("filters");
  const CHOICES = ["experiment", "label", "step", "temperature", "kind"];

  const values = {
    experiment: () => rawtone.data.experiments.filter((e) => e.clips.length).map((e) => e.name),
    label: () => [...new Set(clips.map((clip) => clip.label ?? ""))].sort(),
    step: () => [...new Set(clips.map((clip) => clip.step))].sort((a, b) => b - a),
    temperature: () =>
      [...new Set(clips.map((clip) => clip.temperature))].sort((a, b) => a - b || (a < b ? -1 : 1)),
    kind: () => [...new Set(clips.flatMap((clip) => clip.kinds ?? []))].sort(),
  };
  const matches = {
    experiment: (clip, value) => clip.experiment === value,
    label: (clip, value) => (clip.label ?? "") === value,
    step: (clip, value) => String(clip.step) === value,
    temperature: (clip, value) => clip.temperature === value,
    kind: (clip, value) => (clip.kinds ?? []).includes(value),
  };

  const folds = new Map();
  for (const clip of clips) {
    if (clip.same_as) folds.set(`${clip.experiment} ${clip.same_as}`, clip);
  }
  const leader = (clip) => `${clip.experiment} ${clip.rank}`;
  const ledBy = (clip) => `${clip.experiment} ${clip.same_as}`;

  const fill = () => {
    for (const name of CHOICES) {
      const found = values[name]();
      const words = (value) => (name === "step" ? value.toLocaleString("en") : value || "none");
      form.elements[name].replaceChildren(
        element("option", { value: "*" }, "all"),
        ...found.map((value) => element("option", { value }, words(value))),
      );
      form.querySelector(`[data-filter=${name}]`).hidden = found.length < 2;
    }
    form.querySelector("[data-filter=silent]").hidden = !clips.some((clip) => clip.silent);
    form.querySelector("[data-filter=folded]").hidden = !folds.size;
    if (!clips.some((clip) => clip.rank)) find("view-best").textContent = "Newest first";
  };

  /** Return the clips to show, best first, those folded under each, and what was hidden. */
  const apply = () => {
    const chosen = CHOICES.map((name) => [name, form.elements[name].value]);
    let left = clips.filter((clip) =>
      chosen.every(([name, value]) => value === "*" || matches[name](clip, value)),
    );
    const hidden = { filtered: clips.length - left.length, silent: 0, folded: 0 };
    if (form.elements.silent.checked) {
      const heard = left.filter((clip) => !clip.silent);
      hidden.silent = left.length - heard.length;
      left = heard;
    }
    const under = new Map();
    const all = left;
    if (form.elements.folded.checked) {
      // Only where the clip that it is like is shown itself.
      const leaders = new Set(left.map(leader));
      left = left.filter((clip) => {
        if (!clip.same_as || !leaders.has(ledBy(clip))) return true;
        under.set(ledBy(clip), [...(under.get(ledBy(clip)) ?? []), clip]);
        return false;
      });
      hidden.folded = all.length - left.length;
    }
    if (rawtone.several) left = [...left].sort((a, b) => (b.score ?? 0) - (a.score ?? 0));
    return { shown: left, all, hidden, folded: (clip) => under.get(leader(clip)) ?? [] };
  };

  const everything = () => {
    for (const name of CHOICES) form.elements[name].value = "*";
    form.elements.silent.checked = form.elements.folded.checked = false;
    form.dispatchEvent(new Event("change"));
  };

  fill();
  form.addEventListener("submit", (event) => event.preventDefault());
  return { apply, everything, form, view: () => form.elements.view.value };
})();
