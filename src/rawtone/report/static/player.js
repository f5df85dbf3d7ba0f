"use strict";
// One player for all clips. It says what it does by events on the document: "rawtone:clip" when there
// is another clip, "rawtone:state" when it starts or stops.
rawtone.player = (() => {
  const sound = rawtone.find("sound");
  let current = null;
  let hidden = "";
  let order = [];
  let latest = 0;

  const say = (name) => document.dispatchEvent(new CustomEvent(`rawtone:${name}`));

  // Many small web servers cannot give parts of a file, and without them no browser can go to a place
  // in it. So it is read whole; from disk, where that is forbidden, there is no need to.
  const blobs = new Map();
  const source = async (clip) => {
    const address = rawtone.address(clip);
    if (!location.protocol.startsWith("http") || address.startsWith("data:")) return address;
    if (!blobs.has(clip.id)) {
      const answer = await fetch(address);
      if (!answer.ok) return address;
      if (blobs.size >= 16) {
        const [oldest, old] = blobs.entries().next().value;
        URL.revokeObjectURL(old);
        blobs.delete(oldest);
      }
      blobs.set(clip.id, URL.createObjectURL(await answer.blob()));
    }
    return blobs.get(clip.id);
  };

  const start = () =>
    sound.play().catch((error) => {
      if (error.name !== "AbortError") rawtone.tell(`This clip cannot be played: ${error.message}`);
    });

  const load = async (clip, at, playing) => {
    const mine = ++latest;
    sound.pause();
    const address = await source(clip);
    if (mine !== latest) return;
    const ready = () => {
      if (mine !== latest) return;
      sound.currentTime = at < sound.duration ? at : 0;
      if (playing) start();
    };
    sound.addEventListener("loadedmetadata", ready, { once: true });
    sound.src = address;
  };

  /** Go to a clip. As `name` it is shown under another name than its own, as in a blind test. */
  const open = (clip, { at = 0, play = true, name = "" } = {}) => {
    const same = current?.id === clip.id && sound.src;
    [current, hidden] = [clip, name];
    if (same) {
      if (at !== null) sound.currentTime = at;
      if (play) start();
    } else load(clip, at ?? 0, play);
    say("clip");
  };

  const toggle = () => {
    if (!current) {
      const first = order[0] ?? rawtone.clips[0];
      if (first) open(first);
    } else if (sound.paused) start();
    else sound.pause();
  };

  const seek = (seconds) => {
    if (!current || !sound.duration) return;
    sound.currentTime = Math.min(Math.max(seconds, 0), sound.duration);
    say("place");
  };

  /** Go on or back in the list that is shown. */
  const move = (by) => {
    if (!order.length) return;
    const here = order.findIndex((clip) => clip.id === current?.id);
    const next = here < 0 ? (by > 0 ? 0 : order.length - 1) : here + by;
    if (next >= 0 && next < order.length) open(order[next], { play: !sound.paused || here < 0 });
  };

  /** The same label, temperature and seed from all checkpoints, early ones first. */
  const versions = () => {
    if (!current) return [];
    const kin = rawtone.kin(current);
    const place = (clip) => rawtone.data.experiments.findIndex((e) => e.name === clip.experiment);
    return rawtone.clips
      .filter((clip) => rawtone.kin(clip) === kin)
      .sort((a, b) => place(a) - place(b) || a.step - b.step);
  };

  /** Switch to another checkpoint at the same place of the clip. */
  const change = (clip) => open(clip, { at: sound.currentTime, play: !sound.paused });

  const changeBy = (by) => {
    if (hidden) return;
    const all = versions();
    const next = all[all.findIndex((clip) => clip.id === current?.id) + by];
    if (next) change(next);
  };

  sound.addEventListener("play", () => say("state"));
  sound.addEventListener("pause", () => say("state"));
  sound.addEventListener("ended", () => say("state"));
  sound.addEventListener("timeupdate", () => say("place"));
  sound.addEventListener("loadedmetadata", () => say("place"));
  sound.addEventListener("error", () => {
    if (current) rawtone.tell(`${hidden || rawtone.name(current)} cannot be played.`);
  });
  // "play" does not bubble, so that of previews is caught on its way down.
  document.addEventListener(
    "play",
    ({ target }) => {
      for (const other of document.querySelectorAll("audio")) if (other !== target) other.pause();
    },
    true,
  );

  return {
    open, toggle, seek, move, versions, change, changeBy,
    current: () => current,
    hidden: () => hidden,
    playing: () => !sound.paused,
    place: () => sound.currentTime,
    length: () => (Number.isFinite(sound.duration) ? sound.duration : (current?.seconds ?? 0)),
    follow: (clips) => (order = clips),
  };
})();
