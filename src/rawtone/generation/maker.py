"""A trained model with an engine around it, for one checkpoint after the other."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
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
from rawtone.generation.kernel import Kernel, Precision
from rawtone.generation.loop import Loop
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
        self.config, self.where = config, where
        self.wanted, self.precision = wanted, precision
        quantizer = Quantizer(**config["quantizer"])
        self.codec = quantizers.make(quantizer.kind, quantizer.levels)
        self.sample_rate: int = config["sample_rate"]
        self.channels: int = config["channels"]
        self.labels: list[str] = config.get("labels", [])
        audio = Audio(self.codec, self.channels, len(self.labels))
        self.model = build(model_settings.model(config["model"]), audio)
        self._engine: Engine | None = None
        self._checkpoint = ""

    def load(self, weights: Path, sha256: str) -> None:
        """Take the weights of a checkpoint.

        Args:
            weights: the file.
            sha256: of its bytes.
        """
        assign(self.model, read_arrays(weights))
        self._checkpoint = sha256
        self._engine = engines.make(
            self.model,
            self.sample_rate,
            self.wanted,
            self.precision,
            before=self._engine,
            where=self.where,
        )

    @property
    def engine(self) -> Engine:
        """The engine, with the weights of the checkpoint."""
        if self._engine is None:
            raise ValueError("Expected a checkpoint to be loaded. Received: none")
        return self._engine

    @property
    def kernel(self) -> Any:
        """The class of the kernel that the engine has, or None."""
        return type(self.engine.kernel) if isinstance(self.engine, Kernel) else None

    @property
    def engine_name(self) -> str:
        """`kernel` or `loop`."""
        return "loop" if isinstance(self.engine, Loop) else "kernel"

    def key(self, stream: Stream, samples: int, prime: "Primed | None") -> str:
        """Return a name that no other clip has: it stands for all that decides one.

        Args:
            stream: of the clip.
            samples: that are made.
            prime: that is heard before.
        """
        decides = {
            "checkpoint": self._checkpoint,
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
        if isinstance(self.engine, Kernel):
            import numba

            return {"kernel": numba.__version__, "precision": self.precision}
        return {"loop": self.engine.lanes}


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
