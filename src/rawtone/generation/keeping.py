"""What is made so far, on disk: a kill loses the last minute at most, and nobody hears of it."""

import json
import logging
import os
import shutil
import time
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from rawtone.audio.quantizers import Quantizer
from rawtone.files import atomic
from rawtone.generation.engine import Codes, Part

EVERY = 60.0  # seconds between two states saved

_log = logging.getLogger("rawtone")


@dataclass(frozen=True)
class Saved:
    """From where streams go on.

    Attributes:
        state: of the engine.
        end: samples made.
        sums: a checksum of each stream's samples up to there.
    """

    state: list[NDArray[Any]]
    end: int
    sums: list[int]


class Partial:
    """Streams that are made together: their samples so far, and the state to go on from.

    Samples are written as they come, and are flushed to the disk before the state that follows
    them is, so a state never stands without them. What comes after it is overwritten.

    Args:
        folder: of nothing else.
        streams: how many.
        quantizer: of their codes.
        channels: 1 or 2.
    """

    def __init__(self, folder: Path, streams: int, quantizer: Quantizer, channels: int) -> None:
        self.folder = folder
        self.files = [folder / f"{index:04d}.pcm" for index in range(streams)]
        self._state = folder / "state.npz"
        self._quantizer, self._width = quantizer, 2 * channels

    def found(self) -> Saved | None:
        """Return from where to go on; None where nothing is there or it is damaged."""
        try:
            saved = _read(self._state)
            whole = [self._sum(file, saved.end) for file in self.files] == saved.sums
        except FileNotFoundError:
            return None
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
            whole = False
        if not whole:
            _log.warning("%s: damaged; its clips are made from the beginning", self.folder)
            return None
        return saved

    def _sum(self, file: Path, samples: int) -> int:
        left, total = samples * self._width, 0
        with file.open("rb") as pcm:
            while left and (block := pcm.read(min(left, 1 << 20))):
                total, left = zlib.crc32(block, total), left - len(block)
        if left:
            raise EOFError
        return total

    @contextmanager
    def writing(self, saved: Saved | None) -> Iterator["Writer"]:
        """Open the streams' files, to write behind what was saved.

        Args:
            saved: of `found`.
        """
        if saved is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as opened:
            files = [opened.enter_context(_opened(file)) for file in self.files]
            for file in files:
                file.seek(saved.end * self._width if saved else 0)
                file.truncate()
            sums = saved.sums if saved else [0] * len(files)
            yield Writer(files, self._state, self._quantizer, list(sums))


class Writer:
    """Writes samples as they come, and now and then a state.

    Args:
        files: of the streams.
        state: where the state is to stand.
        quantizer: of the codes.
        sums: checksums of what the files hold.
    """

    def __init__(
        self, files: list[IO[bytes]], state: Path, quantizer: Quantizer, sums: list[int]
    ) -> None:
        self._files, self._state, self._quantizer, self._sums = files, state, quantizer, sums
        self._saved_at = time.monotonic()

    def write(self, part: Part) -> None:
        """Append a block of each stream; save the state where the last one is a minute old."""
        for index, samples in enumerate(decoded(part.codes, self._quantizer)):
            raw = np.ascontiguousarray(samples, "<i2").tobytes()
            self._files[index].write(raw)
            self._sums[index] = zlib.crc32(raw, self._sums[index])
        if time.monotonic() - self._saved_at >= EVERY:
            self.save(part.state, part.end)

    def save(self, state: Sequence[Any], end: int) -> None:
        """Save a state, after all samples before it."""
        for file in self._files:
            file.flush()
            os.fsync(file.fileno())
        arrays = {f"state{index:05d}": _array(each) for index, each in enumerate(state)}
        facts = json.dumps({"end": end, "sums": self._sums})
        with atomic(self._state) as temporary:
            np.savez(temporary, facts=np.array(facts), **arrays)  # type: ignore[arg-type]
        self._saved_at = time.monotonic()


def decoded(codes: Codes, quantizer: Quantizer) -> NDArray[np.int16]:
    """Return the samples of codes, int16 of the same shape."""
    return np.round(quantizer.decode(codes) * 32767).astype(np.int16)


def _opened(file: Path) -> IO[bytes]:
    file.touch()
    return file.open("r+b")


def _array(each: Any) -> NDArray[Any]:
    """Return a numpy array of any engine's array or tensor."""
    if isinstance(each, np.ndarray):
        return each
    from keras import ops

    return np.asarray(ops.convert_to_numpy(each))


def _read(path: Path) -> Saved:
    # numpy leaves a file open that it cannot read
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        facts = json.loads(str(archive["facts"]))
        names = sorted(name for name in archive.files if name.startswith("state"))
        return Saved([archive[name] for name in names], facts["end"], facts["sums"])
