"use strict";
// The clips as a table: checkpoints down, labels and temperatures across, a chip for each seed.
rawtone.grid = (() => {
  const { element } = rawtone;

  const chip = (clip) => {
    const words = [rawtone.name(clip), clip.verdict, clip.copy && "a copy"].filter(Boolean).join(": ");
    return element(
      "button",
      {
        type: "button",
        class: clip.verdict && clip.verdict !== "sounds right" ? "chip doubtful" : "chip",
        "data-clip": clip.id,
        "aria-label": `Play ${words}`,
        title: words,
        tabindex: "-1",
        onclick: () => rawtone.cards.press(clip),
      },
      rawtone.waves.canvas(clip),
      element("span", {}, clip.rank ? `${clip.seed} · ${clip.rank}.` : String(clip.seed)),
    );
  };

  const column = (clip) => JSON.stringify([clip.label ?? "", clip.temperature]);

  const row = (step, columns, clips) => {
    const cells = columns.map((name) => {
      const here = clips.filter((clip) => clip.step === step.step && column(clip) === name);
      const seeds = here.sort((a, b) => a.seed - b.seed);
      return element("td", {}, element("div", { class: "chips" }, ...seeds.map(chip)));
    });
    const badge = step.best ? element("span", { class: "badge" }, "best") : "";
    const head = [step.step.toLocaleString("en"), " ", badge, element("small", {}, step.predicts)];
    return element("tr", {}, element("th", { scope: "row" }, ...head), ...cells);
  };

  /** Arrows move among the chips: left and right within a checkpoint, up and down between them. */
  const walk = (table) => (event) => {
    const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const here = event.target.closest(".chip");
    if (!by || !here || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    const rows = [...table.tBodies[0].rows].map((r) => [...r.querySelectorAll(".chip")]);
    const y = rows.findIndex((chips) => chips.includes(here));
    const next = rows[y + by[0]]?.[rows[y].indexOf(here) + by[1]] ?? rows[y + by[0]]?.at(by[0] ? -1 : rows[y].length);
    event.preventDefault();
    event.stopPropagation();
    if (!next) return;
    here.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  };

  const heads = (columns) => {
    const words = columns.map((name) => JSON.parse(name));
    const head = ([label, heat]) =>
      element("th", { scope: "col" }, label ? element("small", {}, label) : "", `temperature ${heat}`);
    return element("tr", {}, element("th", { scope: "col" }, "step"), ...words.map(head));
  };

  const order = (a, b) => {
    const [[one, x], [other, y]] = [JSON.parse(a), JSON.parse(b)];
    return one < other ? -1 : one > other ? 1 : x - y || (x < y ? -1 : 1);
  };

  const table = (experiment, clips) => {
    const columns = [...new Set(clips.map(column))].sort(order);
    const steps = experiment.steps.filter(({ step }) => clips.some((clip) => clip.step === step));
    const grid = element(
      "table",
      { class: "grid", style: `--columns: ${columns.length}` },
      element("caption", {}, `${experiment.name}: a button for each seed${clips.some((clip) => clip.rank) ? ", with its rank" : ""}`),
      element("thead", {}, heads(columns)),
      element("tbody", {}, ...steps.map((step) => row(step, columns, clips))),
    );
    grid.addEventListener("keydown", walk(grid));
    grid.addEventListener("focusin", ({ target }) => {
      if (!target.matches(".chip")) return;
      for (const other of grid.querySelectorAll(".chip[tabindex='0']")) other.tabIndex = -1;
      target.tabIndex = 0;
    });
    const first = grid.querySelector(".chip");
    if (first) first.tabIndex = 0;
    return element("div", { class: "wide" }, grid);
  };

  /** Return a table for each experiment that has clips among these. */
  const tables = (clips) =>
    rawtone.data.experiments
      .map((experiment) => [experiment, clips.filter((clip) => clip.experiment === experiment.name)])
      .filter(([, its]) => its.length)
      .map(([experiment, its]) => table(experiment, its));

  return { tables };
})();
