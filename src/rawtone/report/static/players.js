// One clip at a time: starting a player pauses whichever was playing. ("play" does not bubble, so
// it is caught on its way down.)
document.addEventListener(
  "play",
  (event) => {
    for (const player of document.querySelectorAll("audio")) {
      if (player !== event.target) player.pause();
    }
  },
  true,
);
