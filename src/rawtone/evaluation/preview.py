"""The best clips one after the other, to hear in a minute what a training led to."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from rawtone import files
from rawtone.audio import encoding, pcm

CLIPS = 6
_SECONDS, _FADE_SECONDS, _PAUSE_SECONDS = 10.0, 0.05, 0.4


def stitch(wavs: Sequence[Path], target: Path) -> None:
    """Write the beginnings of clips one after the other, faded, with pauses between them.

    Args:
        wavs: 16-bit PCM, all of one sample rate and one number of channels.
        target: the file to write, in a format of `rawtone.audio.encoding`.
    """
    rate = pcm.shape(wavs[0]).sample_rate
    parts = [_faded(pcm.read(wav, 0, round(_SECONDS * rate)), rate) for wav in wavs]
    pause = np.zeros((round(_PAUSE_SECONDS * rate), *parts[0].shape[1:]), np.int16)
    joined = [piece for part in parts for piece in (pause, part)][1:]
    with TemporaryDirectory() as folder, files.atomic(target) as temporary:
        wav = Path(folder) / "preview.wav"
        pcm.write(wav, np.concatenate(joined), rate)
        encoding.encode(wav, temporary)


def _faded(part: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    size = min(round(_FADE_SECONDS * rate), len(part) // 2)
    gain = np.ones(len(part))
    gain[:size] = np.linspace(0, 1, size, endpoint=False)
    gain[len(part) - size :] = gain[:size][::-1]
    faded: NDArray[np.int16] = np.rint(part * gain.reshape(-1, *[1] * (part.ndim - 1))).astype("i2")
    return faded
