"use strict";
// Pairs for the blind test, in an order that a seed decides, and the votes on them.
rawtone.pairs = (() => {
  const { data } = rawtone;
  const votes = rawtone.recall("votes", {});

  // FNV-1a with the mixing of MurmurHash3: the same order in every browser.
  const hash = (words) => {
    let h = (2166136261 ^ data.seed) >>> 0;
    for (let i = 0; i < words.length; i++) h = Math.imul(h ^ words.charCodeAt(i), 16777619);
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return (h ^ (h >>> 16)) >>> 0;
  };

  const key = (a, b) => [a.sha256, b.sha256].sort().join(":");

  const pair = (a, b) => {
    const name = key(a, b);
    const drawn = hash(name);
    const inOrder = a.sha256 < b.sha256 ? [a, b] : [b, a];
    // The lowest bits decide who is A, the rest who comes first.
    return { name, place: drawn >>> 4, sides: drawn % 16 < 8 ? inOrder : inOrder.reverse() };
  };

  const grouped = (clips) => {
    const groups = new Map();
    for (const clip of clips) {
      const name = rawtone.kin(clip);
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(clip);
    }
    return groups;
  };

  const every = (clips) => {
    const found = new Map(); // the same two sounds are asked for once
    for (const takes of grouped(clips).values()) {
      for (const [i, a] of takes.entries()) {
        for (const b of takes.slice(i + 1)) {
          if (a.sha256 && b.sha256 && a.sha256 !== b.sha256) found.set(key(a, b), pair(a, b));
        }
      }
    }
    return [...found.values()].sort((a, b) => a.place - b.place || (a.name < b.name ? -1 : 1));
  };

  /** Note which clip was better; null where neither was. */
  const vote = ({ name, sides }, better) => {
    votes[name] = { first: sides[0].sha256, second: sides[1].sha256, better: better?.sha256 ?? null };
    rawtone.keep("votes", votes);
  };

  const forget = () => {
    for (const name of mine().map(([name]) => name)) delete votes[name];
    rawtone.keep("votes", votes);
  };

  const byHash = new Map(rawtone.clips.map((clip) => [clip.sha256, clip]));
  /** Return the votes on clips of this page; the browser may keep those of other pages, too. */
  const mine = () =>
    Object.entries(votes).filter(([, { first, second }]) => byHash.has(first) && byHash.has(second));

  const told = (sha256) => {
    const { experiment, step, label, temperature, seed } = byHash.get(sha256);
    return { experiment, step, label, temperature, seed, sha256 };
  };

  const exported = () => ({
    format: "rawtone votes",
    seed: data.seed,
    votes: mine().map(([, { first, second, better }]) => ({
      first: told(first),
      second: told(second),
      better,
    })),
  });

  /** Count for each checkpoint how often it was better, worse, and no different. */
  const tally = () => {
    const lines = new Map();
    for (const [, { first, second, better }] of mine()) {
      for (const sha256 of [first, second]) {
        const clip = byHash.get(sha256);
        const name = rawtone.stepWords(clip);
        const line = lines.get(name) ?? { name, better: 0, worse: 0, even: 0 };
        line[better === null ? "even" : better === sha256 ? "better" : "worse"] += 1;
        lines.set(name, line);
      }
    }
    return [...lines.values()].sort((a, b) => b.better - b.worse - (a.better - a.worse));
  };

  return { every, vote, forget, exported, tally, voted: ({ name }) => name in votes, count: () => mine().length };
})();
