"""A trained model, and engines with the weights of its checkpoints."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

import rawtone
from rawtone import model_settings
from rawtone.audio import quantizers
from rawtone.audio.pcm import Pcm
from rawtone.files import canonical_json
from rawtone.generation import engines
from rawtone.generation.engine import Engine
from rawtone.generation.kernel import Kernel, Precision, cost_of_group
from rawtone.generation.loop import LANES, Loop
from rawtone.generation.spread import Jobs, spread
from rawtone.generation.streams import Stream
from rawtone.models import backend
from rawtone.models.families import assign, build
from rawtone.models.family import Audio
from rawtone.settings import Quantizer
from rawtone.training.checkpoints import read_arrays

_DECIDING = ("channels", "labels", "model", "quantizer", "sample_rate")
# packages of ours whose code decides what is made
_CODE = ("audio", "generation", "kernels", "models")


class Maker:
    """Makes clips with the checkpoints of one training.

    Args:
        config: the training's config.json.
        wanted: engine.
        precision: of its weights.
        where: stands before the names of keys that are to be mended.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        wanted: engines.Wanted = "auto",
        precision: Precision = "float32",
        where: str = "sampling.",
    ) -> None:
        self.config, self.precision = config, precision
        quantizer = Quantizer(**config["quantizer"])
        self.codec = quantizers.make(quantizer.kind, quantizer.levels)
        self.sample_rate: int = config["sample_rate"]
        self.channels: int = config["channels"]
        self.labels: list[str] = config.get("labels", [])
        audio = Audio(self.codec, self.channels, len(self.labels))
        self.model = build(model_settings.model(config["model"]), audio)
        self.kernel = engines.choose(self.model, wanted, precision, where)
        self.stopped = Event()
        self._loop: Loop | None = None

    def load(self, weights: Path) -> None:
        """Give the model the weights of a checkpoint."""
        assign(self.model, read_arrays(weights))

    def engine(self, weights: Path, streams: Sequence[Stream]) -> Engine:
        """Return an engine with the weights of a checkpoint.

        A kernel keeps them. A loop is the same for all checkpoints, and has those of the last.

        Args:
            weights: the file.
            streams: all that it is to make.
        """
        self.load(weights)
        if self.kernel is None:
            self._loop = self._loop or Loop(self.model, self.sample_rate)
            return self._loop
        packed = self.kernel(self.model, self.precision)
        engine = Kernel(packed, self.model.audio, self.sample_rate, self.stopped)
        engine.prepare(streams)
        return engine

    def spread(self, streams: Sequence[int], threads: int) -> list[Jobs]:
        """Choose which streams are made together.

        Args:
            streams: of each checkpoint.
            threads: of a kernel; a loop has its own.

        Returns:
            For each checkpoint the numbers of streams of its jobs.
        """
        if self.kernel is None:
            return [[min(LANES, n - at) for at in range(0, n, LANES)] for n in streams]
        group = cost_of_group(int(self.model.count_params()), self.precision)
        return spread(streams, threads, group)

    @property
    def engine_name(self) -> str:
        """`kernel` or `loop`."""
        return "kernel" if self.kernel else "loop"

    def key(self, checkpoint: str, stream: Stream, samples: int, prime: "Primed | None") -> str:
        """Return a name that no other clip has: it stands for all that decides one.

        Args:
            checkpoint: the SHA-256 of its file.
            stream: of the clip.
            samples: that are made.
            prime: that is heard before.
        """
        decides = {
            "checkpoint": checkpoint,
            "code": _digest_of_code(),
            "config": {key: self.config.get(key) for key in _DECIDING},
            "engine": self._facts_of_engine(),
            "machinery": backend.facts(),
            "prime": prime.digest if prime else None,
            "samples": samples,
            "stream": asdict(stream),
        }
        return hashlib.sha256(canonical_json(decides).encode()).hexdigest()[:24]

    def _facts_of_engine(self) -> dict[str, Any]:
        if self.kernel:
            import numba

            return {"kernel": numba.__version__, "precision": self.precision}
        return {"loop": LANES}


class Primed:
    """What streams hear before they begin.

    Args:
        pcm: int16 [n], of stereo [n, 2].
        maker: whose streams they are.
        keep: whether clips begin with it.
    """

    def __init__(self, pcm: Pcm, maker: Maker, keep: bool) -> None:
        self.codes: NDArray[np.int32] = maker.codec.encode(pcm).astype(np.int32)
        self.kept: Pcm | None = pcm if keep else None
        facts = (np.ascontiguousarray(pcm, "<i2").tobytes(), bytes([keep]))
        self.digest = hashlib.sha256(b"".join(facts)).hexdigest()


@cache
def _digest_of_code() -> str:
    """Digest the code that clips depend on, so that none made by other code is taken for one."""
    root = Path(rawtone.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(file for package in _CODE for file in (root / package).rglob("*.py")):
        digest.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
