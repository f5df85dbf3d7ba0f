"""What is done to the level of a track before it is rounded to 16 bits."""

from dataclasses import dataclass
from pathlib import Path

from rawtone.audio import ffmpeg, loudness

_FLOATING = "dblp"
_INTO_16_BITS = "aresample=osf=s16:dither_method=none"
_HALF_A_STEP = 0.5 / 32768


@dataclass(frozen=True)
class Leveling:
    """The table `level` of a corpus in params.yaml."""

    loudness_lufs: float | None
    true_peak_dbtp: float
    remove_dc: bool

    @property
    def changes_nothing(self) -> bool:
        """Whether no track is changed, so that none is measured."""
        return self.loudness_lufs is None and not self.remove_dc

    def filters(
        self, source: Path, sample_rate: int, channels: int, kind: ffmpeg.Kind
    ) -> tuple[str, dict[str, str]]:
        """Return the filters of ffmpeg that make a track of a recording, and what was measured.

        Everything is measured on what the track will be, at its rate and channels, and done in
        double precision: one gain for the whole track, and one value subtracted in each channel.

        Args:
            source: The recording.
            sample_rate: Of the corpus.
            channels: Of the corpus.
            kind: Which ffmpeg.

        Returns:
            The filters; and by column of the table of tracks, what was measured and done.

        Raises:
            FfmpegError: the recording cannot be decoded.
        """
        if self.changes_nothing:
            return ffmpeg.resampling(sample_rate, channels), {}
        filters = ffmpeg.resampling(sample_rate, channels, _FLOATING)
        row: dict[str, str] = {}
        if self.remove_dc:
            means = loudness.means(source, filters, kind)
            row["dc"] = " ".join(f"{mean:.6f}" for mean in means)
            filters += _without(means)
        if self.loudness_lufs is not None:
            measured = loudness.measure(source, filters, kind)
            gain = measured.gain(self.loudness_lufs, self.true_peak_dbtp)
            filters += f",volume={gain:.1f}dB:precision=double"
            row["loudness_lufs"] = f"{measured.integrated:.1f}"
            row["true_peak_dbtp"] = f"{measured.true_peak:.1f}"
            row["gain_db"] = f"{gain:.1f}"
        return f"{filters},{_INTO_16_BITS}", row


UNCHANGED = Leveling(loudness_lufs=None, true_peak_dbtp=-1.0, remove_dc=False)


def _without(means: list[float]) -> str:
    if all(abs(mean) < _HALF_A_STEP for mean in means):
        return ""  # rounding to 16 bits would hide it
    each = "|".join(f"val({channel})-({mean:.6f})" for channel, mean in enumerate(means))
    return f",aeval={each}:c=same"
