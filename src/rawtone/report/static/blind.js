"use strict";
// The blind test: hear A and B, vote, and only then learn what they were.
rawtone.blind = (() => {
  const { find, element, pairs, player } = rawtone;
  const section = find("blind");
  const [stateWords, next, tally] = ["pair-state", "pair-next", "tally"].map(find);
  const [sideButtons, voteButtons] = ["[data-side]", "[data-vote]"].map((selector) => [
    ...section.querySelectorAll(selector),
  ]);
  const skipped = new Set();
  let left = [];
  let pair = null;
  let open = false;

  const NAMES = ["A", "B"];
  const active = () => Boolean(player.hidden());

  const hear = (side) => {
    if (!pair) return;
    const clip = pair.sides[side];
    if (player.current()?.id === clip.id && active() && open) return player.toggle();
    // The other clip goes on where this one is, to be compared; a vote ends the secret.
    const at = active() ? player.place() : 0;
    return player.open(clip, { at, name: open ? `Clip ${NAMES[side]}` : "" });
  };

  const swap = () => {
    if (!pair || !open) return;
    hear(active() && player.current()?.id === pair.sides[0].id ? 1 : 0);
  };

  const showState = () => {
    for (const button of sideButtons) {
      const side = Number(button.dataset.side);
      const here = (active() || !open) && player.current()?.id === pair?.sides[side].id;
      const playing = Boolean(pair) && here && player.playing();
      button.classList.toggle("playing", playing);
      button.textContent = `${playing ? "Pause" : "Play"} ${NAMES[side]}`;
    }
  };

  const row = ({ name, better, worse, even }) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, name.replace(/^s/, "S")),
      ...[better, worse, even].map((count) => element("td", {}, String(count))),
    );

  const showTally = () => {
    const lines = pairs.tally();
    const heads = ["checkpoint", "better", "worse", "no difference"];
    const table = element(
      "table",
      { class: "bits" },
      element("caption", {}, `Your ${rawtone.counted(pairs.count(), "vote")}`),
      element("thead", {}, element("tr", {}, ...heads.map((h) => element("th", { scope: "col" }, h)))),
      element("tbody", {}, ...lines.map(row)),
    );
    tally.replaceChildren(...(lines.length ? [table] : []));
    find("votes-export").disabled = find("votes-forget").disabled = !lines.length;
  };

  const show = (words) => {
    stateWords.textContent = words;
    for (const button of [...sideButtons, ...voteButtons]) button.disabled = !pair;
    for (const button of voteButtons) button.hidden = !open;
    next.hidden = !pair;
    next.textContent = open ? "Skip this pair" : "Next pair";
    showState();
    showTally();
  };

  const draw = () => {
    pair = left.find((other) => !pairs.voted(other) && !skipped.has(other.name)) ?? null;
    open = Boolean(pair);
    const togo = left.filter((other) => !pairs.voted(other)).length;
    if (pair) show(`Which sounds better? ${rawtone.counted(togo, "pair")} to go.`);
    else if (left.length) show("All pairs are voted on or skipped. Thank you.");
    else show("There are no two clips to compare among those chosen above.");
  };

  const vote = (side) => {
    if (!pair || !open) return;
    const better = side === null ? null : pair.sides[side];
    pairs.vote(pair, better);
    open = false;
    const [a, b] = pair.sides.map((clip) => rawtone.stepWords(clip));
    const verdict = better ? `${NAMES[side]} sounded better` : "No difference";
    const current = player.current();
    if (active() && current) player.open(current, { at: null, play: player.playing() });
    show(`${verdict}. A was ${a}; B was ${b} (${rawtone.restWords(pair.sides[0])}).`);
    if (section.contains(document.activeElement) || document.activeElement === document.body) next.focus();
  };

  const proceed = () => {
    if (open && pair) skipped.add(pair.name);
    draw();
  };

  /** Go to the next pair, or to the first, and play it. */
  const start = () => {
    if (pair && !open) draw();
    section.scrollIntoView({ block: "nearest" });
    (pair ? sideButtons[0] : find("title-blind")).focus({ preventScroll: true });
    if (pair && !active()) hear(0);
  };

  const refresh = () => {
    left = pairs.every(rawtone.results.candidates());
    if (!pair || (open && !left.some((other) => other.name === pair.name))) draw();
  };

  for (const button of sideButtons) button.addEventListener("click", () => hear(Number(button.dataset.side)));
  for (const button of voteButtons) {
    const { vote: side } = button.dataset;
    button.addEventListener("click", () => vote(side === "none" ? null : Number(side)));
  }
  next.addEventListener("click", proceed);
  find("votes-export").addEventListener("click", () =>
    rawtone.download("rawtone-votes.json", `${JSON.stringify(pairs.exported(), null, 1)}\n`),
  );
  find("votes-forget").addEventListener("click", () => {
    pairs.forget();
    draw();
  });
  document.addEventListener("rawtone:clip", showState);
  document.addEventListener("rawtone:state", showState);
  document.addEventListener("rawtone:shown", refresh);
  refresh();
  section.hidden = document.querySelector("nav a[href='#blind']").parentElement.hidden = !left.length;

  return { start, swap, vote, active: () => active() && open };
})();
