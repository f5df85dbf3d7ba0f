"use strict";
// The bar at the foot of the page, which shows what the player does and steers it.
(() => {
  const { player, find, element } = rawtone;
  const [bar, scrub, wave, picture] = ["player", "scrub", "scrub-wave", "scrub-picture"].map(find);
  const versions = find("versions");

  const share = () => (player.length() ? player.place() / player.length() : 0);

  const showPlace = () => {
    const [place, length] = [player.place(), player.length()];
    scrub.value = Math.round(share() * 1000);
    scrub.setAttribute("aria-valuetext", `${place.toFixed(1)} of ${length.toFixed(1)} seconds`);
    find("time").textContent = `${rawtone.clock(place)} / ${rawtone.clock(length)}`;
    if (player.current() && !player.hidden()) rawtone.waves.draw(wave, player.current(), share());
  };

  let frame = 0;
  const follow = () => {
    cancelAnimationFrame(frame);
    showPlace();
    if (player.playing()) frame = requestAnimationFrame(follow);
  };

  const version = (clip) => {
    const chosen = clip.id === player.current().id;
    const words = `${rawtone.several ? `${clip.experiment} ` : ""}${clip.step.toLocaleString("en")}`;
    return element(
      "button",
      {
        type: "button",
        "aria-pressed": String(chosen),
        "aria-label": `Step ${words}`,
        onclick: () => player.change(clip),
      },
      words,
    );
  };

  const showVersions = () => {
    const focused = versions.contains(document.activeElement) && document.activeElement !== versions;
    const all = player.hidden() ? [] : player.versions();
    versions.replaceChildren(...(all.length > 1 ? all.map(version) : []));
    versions.hidden = all.length < 2;
    const chosen = versions.querySelector("[aria-pressed=true]");
    if (!chosen) return;
    versions.scrollLeft = chosen.offsetLeft - (versions.clientWidth - chosen.offsetWidth) / 2;
    if (focused) chosen.focus({ preventScroll: true });
  };

  const showClip = () => {
    const clip = player.current();
    const blind = player.hidden();
    bar.hidden = false;
    bar.classList.toggle("blind", Boolean(blind));
    find("now").textContent = blind || rawtone.stepWords(clip).replace(/^s/, "S");
    find("now-words").textContent = blind ? "" : rawtone.restWords(clip);
    picture.hidden = wave.hidden = Boolean(blind);
    if (!blind) picture.src = rawtone.picture(clip);
    else picture.removeAttribute("src");
    find("pin").hidden = Boolean(blind);
    showVersions();
    showPlace();
  };

  const showState = () => {
    const playing = player.playing();
    find("toggle").setAttribute("aria-label", playing ? "Pause" : "Play");
    bar.classList.toggle("playing", playing);
    follow();
  };

  document.addEventListener("rawtone:clip", showClip);
  document.addEventListener("rawtone:state", showState);
  document.addEventListener("rawtone:place", showPlace);
  addEventListener("resize", () => player.current() && showPlace());
  scrub.addEventListener("input", () => player.seek((scrub.value / 1000) * player.length()));
  find("toggle").addEventListener("click", player.toggle);
  find("previous").addEventListener("click", () => player.move(-1));
  find("next").addEventListener("click", () => player.move(1));
})();
