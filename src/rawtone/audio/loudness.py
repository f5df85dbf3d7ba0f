"""The gain that brings a recording to a loudness (EBU R128), and the mean of its channels."""

import re
from dataclasses import dataclass
from pathlib import Path

from rawtone.audio import ffmpeg

_LOUDNESS = re.compile(r"^ +I: +(-?[\d.]+|-?inf|nan) LUFS", re.MULTILINE)
_PEAK = re.compile(r"^ +Peak: +(-?[\d.]+|-?inf|nan) dBFS", re.MULTILINE)
_MEAN = re.compile(r"DC offset: (-?[\d.]+)")
_NOT_MEASURED = -70.0  # ffmpeg's word for: nothing passed the gate of R128
_ROUNDING = 0.1  # ffmpeg tells tenths


@dataclass(frozen=True)
class Loudness:
    """What R128 measures: integrated loudness in LUFS, the true peak in dBTP."""

    integrated: float
    true_peak: float

    def gain(self, target: float, ceiling: float) -> float:
        """Return the gain in dB that gives a loudness, or less where a peak is in the way.

        Args:
            target: Loudness in LUFS.
            ceiling: The most that a true peak may have, in dBTP.

        Returns:
            Tenths of dB; 0 where there is too little sound to measure.
        """
        if self.integrated <= _NOT_MEASURED:
            return 0.0
        return round(min(target - self.integrated, ceiling - _ROUNDING - self.true_peak), 1)


def measure(source: Path, filters: str, kind: ffmpeg.Kind) -> Loudness:
    """Measure a recording as it sounds after some filters.

    Args:
        source: The recording.
        filters: Of ffmpeg.
        kind: Which ffmpeg.

    Raises:
        FfmpegError: it cannot be decoded.
    """
    said = ffmpeg.listen(source, f"{filters},ebur128=peak=true:framelog=quiet", kind)
    loudness, peak = _LOUDNESS.findall(said), _PEAK.findall(said)
    if not loudness or not peak:
        raise ffmpeg.FfmpegError("its loudness cannot be measured")
    return Loudness(float(loudness[-1]), float(peak[-1]))


def means(source: Path, filters: str, kind: ffmpeg.Kind) -> list[float]:
    """Return the mean of every channel after some filters, 1 at full scale, in millionths.

    Args:
        source: The recording.
        filters: Of ffmpeg.
        kind: Which ffmpeg.

    Raises:
        FfmpegError: it cannot be decoded.
    """
    asked = "astats=measure_overall=none:measure_perchannel=DC_offset"
    return [
        float(mean) for mean in _MEAN.findall(ffmpeg.listen(source, f"{filters},{asked}", kind))
    ]
