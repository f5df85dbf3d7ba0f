"use strict";
// What all other scripts stand on: the clips, elements, and what the browser keeps. Everything hangs
// on one name, because classic scripts share one space, and modules cannot be read from disk.
const rawtone = {};

rawtone.data = JSON.parse(document.getElementById("data").textContent);
rawtone.clips = rawtone.data.experiments.flatMap((experiment) =>
  experiment.clips.map((clip) => ({ ...clip, experiment: experiment.name })),
);

rawtone.element = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== "" && child !== null && child !== undefined));
  return element;
};

rawtone.find = (id) => document.getElementById(id);

rawtone.counted = (count, thing) => `${count.toLocaleString("en")} ${thing}${count === 1 ? "" : "s"}`;

// The links under "Files" hold the addresses, so that they work without scripts, too.
rawtone.address = (clip) => rawtone.find(clip.id).getAttribute("href");
rawtone.picture = (clip) => rawtone.find(clip.id).dataset.picture;

rawtone.several = rawtone.data.experiments.filter((experiment) => experiment.clips.length).length > 1;
rawtone.stepWords = (clip) =>
  `${rawtone.several ? `${clip.experiment}, ` : ""}step ${clip.step.toLocaleString("en")}`;
rawtone.restWords = (clip) =>
  [clip.label, `temperature ${clip.temperature}`, `seed ${clip.seed}`].filter(Boolean).join(" · ");
rawtone.name = (clip) => `${rawtone.stepWords(clip)}, ${rawtone.restWords(clip).replaceAll(" · ", ", ")}`;
rawtone.clock = (seconds) =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

// Same label, temperature and seed: what may be compared.
rawtone.kin = (clip) => JSON.stringify([clip.label ?? "", clip.temperature, clip.seed]);

// Some browsers keep nothing for pages inside of others, or when told not to.
rawtone.recall = (key, fallback) => {
  try {
    return JSON.parse(localStorage.getItem(`rawtone.${key}`)) ?? fallback;
  } catch {
    return fallback;
  }
};
rawtone.keep = (key, value) => {
  try {
    localStorage.setItem(`rawtone.${key}`, JSON.stringify(value));
  } catch {
    // It is kept until the page is closed, by who asked.
  }
};

rawtone.tell = (words) => {
  const toast = rawtone.find("toast");
  toast.textContent = words;
  clearTimeout(rawtone.telling);
  rawtone.telling = setTimeout(() => (toast.textContent = ""), 6000);
};

rawtone.download = (name, text) => {
  const file = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  rawtone.element("a", { href: file, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(file), 1000);
};

for (const element of document.querySelectorAll(".scripted")) element.hidden = false;
for (const element of document.querySelectorAll(".unscripted")) element.hidden = true;
