"""rawtone sample CHECKPOINT OUTPUT: one clip of any published checkpoint, by hand."""

import argparse
import logging
import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from rawtone.audio import encoding, ffmpeg, pcm, tagging
from rawtone.errors import UserError
from rawtone.files import atomic, sha256
from rawtone.generation import grid, priming, tags
from rawtone.generation.streams import Stream
from rawtone.models import backend
from rawtone.sampling_settings import Label, Prime, Temperature
from rawtone.stages import published
from rawtone.stages.sample import tell_cost

if TYPE_CHECKING:
    from rawtone.generation.maker import Maker, Primed
    from rawtone.generation.making import Making

_PIPE = "-"
_SECONDS = 10.0

_log = logging.getLogger("rawtone")


def run(options: argparse.Namespace) -> None:
    """Make a clip.

    Args:
        options: as rawtone.by_hand adds them.

    Raises:
        UserError: something in them cannot work.
    """
    output = _output(options)
    wanted = _numbers(options)
    checkpoint = published.find(options.name)
    backend.start(checkpoint.training.deterministic, checkpoint.training.threads)
    from rawtone.generation.maker import Maker
    from rawtone.generation.making import Making
    from rawtone.generation.progress import Progress

    engine: Any = options.engine or "auto"
    precision: Any = options.precision or "float32"
    maker = Maker(checkpoint.config, engine, precision, where="--")
    label = _label(options.label, maker.labels)
    stream = Stream(wanted.seed, wanted.temperature, label, _top_p(wanted.top_p, maker))
    prime = _prime(options, wanted, maker)
    samples = round(wanted.seconds * maker.sample_rate)
    progress = Progress(samples, maker.sample_rate)
    clip = _Clip(Making(maker, samples, prime, progress), checkpoint, stream)
    try:
        if output == _PIPE:
            clip.to_pipe()
        else:
            clip.to_file(Path(output), _prime_in_words(options, wanted, clip.making))
    finally:
        progress.close()
    tell_cost(maker, checkpoint.weights)


@dataclass(frozen=True)
class _Wanted:
    seconds: float
    temperature: Any
    top_p: float
    seed: int
    prime_start: float
    prime_seconds: float


def _output(options: argparse.Namespace) -> str:
    given = [each for each in (options.file, options.output) if each is not None]
    if len(given) != 1:
        raise UserError(
            f"expected one place to write the clip to, found {len(given)}; as in: "
            f"rawtone sample {options.name} clip.wav"
        )
    output: str = given[0]
    suffix = Path(output).suffix.lower()
    if output == _PIPE and sys.stdout.isatty():
        raise UserError("--output -: expected a pipe, found a terminal; as in: … | ffplay -")
    if output != _PIPE and suffix not in encoding.FORMATS:
        raise UserError(
            f"{output}: expected a name that ends with {', '.join(encoding.FORMATS)}, or - for a "
            f"pipe, found '{suffix}'"
        )
    return output


def _numbers(options: argparse.Namespace) -> _Wanted:
    """Return what needs no model to be checked."""
    if options.prime is None:
        for name in ("prime_start", "prime_seconds", "keep_prime"):
            if getattr(options, name) is not None and not (options.clip and name == "keep_prime"):
                raise UserError(f"--{name.replace('_', '-')}: expected --prime with it; name one")
    elif options.clip is not None:
        raise UserError("--continue: expected no --prime with it; leave one of the two out")
    return _Wanted(
        seconds=_number("seconds", options.seconds, _SECONDS, lambda x: x > 0, "above 0"),
        temperature=grid.along(_schedule("temperature", options.temperature or "1", Temperature)),
        top_p=_number("top-p", options.top_p, 1.0, lambda x: 0 < x <= 1, "above 0, and at most 1"),
        seed=int(_number("seed", options.seed, 0, lambda x: x >= 0, "from 0 on")),
        prime_start=_number("prime-start", options.prime_start, 0, lambda x: x >= 0, "from 0 on"),
        prime_seconds=_number(
            "prime-seconds", options.prime_seconds, 1, lambda x: x > 0, "above 0"
        ),
    )


def _number(
    name: str, found: float | None, default: float, fits: Callable[[float], bool], words: str
) -> float:
    if found is None:
        return default
    if not fits(found) or found == float("inf"):
        raise UserError(f"--{name}: expected a number {words}, found {found:g}")
    return found


def _schedule(name: str, text: str, kind: Any) -> Any:
    """Read a value, or points seconds:value with commas between them."""
    value: Any = text
    if ":" in text:
        value = dict(point.split(":", 1) for point in text.split(",") if ":" in point)
    try:
        if kind is Temperature:
            value = _as_numbers(value)
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        words = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UserError(f"--{name}: {words}; as in 0.9, or 0:1.0,10:0.8") from None


def _as_numbers(value: Any) -> Any:
    """Turn texts that are numbers into numbers."""
    if isinstance(value, dict):
        return {at: _as_numbers(each) for at, each in value.items()}
    try:
        return float(value)
    except ValueError:
        return value


def _label(text: str | None, labels: list[str]) -> Any:
    """Return the number of a label, or a schedule of some; the first where none is asked for."""
    if text is None:
        if labels:
            _log.info("label %s, the first of: %s", labels[0], ", ".join(labels))
        return 0
    if not labels:
        raise UserError("--label: the model is told no labels; leave it out")
    is_schedule = ":" in text and text not in labels
    label = _schedule("label", text, Label) if is_schedule else text
    return grid.number_of(label, labels, "--label")


def _top_p(top_p: float, maker: "Maker") -> float:
    if top_p < 1 and not maker.model.head.nucleus:
        kind = maker.model.settings.output.kind
        raise UserError(
            f"--top-p: expected 1 with a model of output {kind}, which draws values and not codes, "
            f"found {top_p:g}; lower --temperature instead"
        )
    return top_p


def _prime(options: argparse.Namespace, wanted: _Wanted, maker: "Maker") -> "Primed | None":
    from rawtone.generation.maker import Primed

    rate, channels = maker.sample_rate, maker.channels
    if options.clip is not None:
        heard = priming.whole(options.clip.expanduser(), rate, channels, "--continue")
        return Primed(heard, maker, keep=options.keep_prime is not False)
    if options.prime is None:
        return None
    hop = maker.model.settings.hop
    if round(wanted.prime_seconds * rate) < hop:
        raise UserError(
            f"--prime-seconds: expected at least {hop / rate:.3g}, which the model hears at once, "
            f"found {wanted.prime_seconds:g}"
        )
    part = Prime(
        recording=str(options.prime), start=wanted.prime_start, seconds=wanted.prime_seconds
    )
    heard = priming.part(part, "", rate, channels, "--prime")
    return Primed(heard, maker, keep=bool(options.keep_prime))


def _prime_in_words(options: argparse.Namespace, wanted: _Wanted, making: "Making") -> str | None:
    """Say what the clip goes on from; all of it where it is made longer."""
    if making.prime is None:
        return None
    recording = (options.prime or options.clip).expanduser()
    start = wanted.prime_start if options.prime else 0.0
    seconds = len(making.prime.codes) / making.maker.sample_rate
    return tags.of_prime(recording, start, seconds, sha256(recording))


@dataclass(frozen=True)
class _Clip:
    making: "Making"
    checkpoint: published.Published
    stream: Stream

    def to_pipe(self) -> None:
        """Write a wav to standard output, every block as soon as it is made."""
        from rawtone.generation.engine import generate
        from rawtone.generation.keeping import decoded

        maker, samples, prime = self.making.maker, self.making.samples, self.making.prime
        engine = maker.engine(self.checkpoint.weights, [self.stream])
        codes, out = prime.codes if prime else None, sys.stdout.buffer
        try:
            out.write(pcm.endless_header(maker.channels, maker.sample_rate))
            if prime and prime.kept is not None:
                out.write(prime.kept.astype("<i2").tobytes())
            for part in generate(engine, [self.stream], samples, codes):
                out.write(decoded(part.codes[0], maker.codec).astype("<i2").tobytes())
                out.flush()
                self.making.progress.made(part.codes.shape[1])
        except BrokenPipeError:  # whoever listened has heard enough
            # or Python would complain when it flushes what is left in the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def to_file(self, output: Path, prime: str | None) -> None:
        """Make it beside its place, where a kill leaves what is made so far, and put it there.

        Args:
            output: its place.
            prime: what it goes on from, in words.
        """
        maker, samples = self.making.maker, self.making.samples
        key = maker.key(self.checkpoint.sha256, self.stream, samples, self.making.prime)
        folder = output.parent / f".{output.name}.{key}"
        _forget_others(folder)
        try:
            engine = maker.engine(self.checkpoint.weights, [self.stream])
            (raw,) = self.making.side_by_side(engine, folder, [key], [self.stream])
            seconds = self._write(output, raw, prime)
            shutil.rmtree(folder)
        except BaseException:
            if not (folder / "state.npz").exists():  # nothing to go on from
                shutil.rmtree(folder, ignore_errors=True)
            raise
        speed = self.making.progress.speed
        fast = f", {speed:.2g} x real time" if speed else ""
        _log.info("%g s in %s%s", seconds, output, fast)

    def _write(self, output: Path, raw: Path, prime: str | None) -> float:
        """Write it in the format that its name ends with; return its length in seconds."""
        wav, rate = raw.with_suffix(".wav"), self.making.maker.sample_rate
        pcm.write_blocks(wav, self.making.blocks(raw), rate)
        with atomic(output) as temporary:
            if output.suffix.lower() == ".wav":
                shutil.copyfile(wav, temporary)
            else:
                _encode(wav, temporary, output)
            tagging.write(temporary, self._tags(prime))
        return pcm.shape(wav).samples / rate

    def _tags(self, prime: str | None) -> dict[str, str]:
        checkpoint, maker = self.checkpoint, self.making.maker
        origin = tags.Origin(
            checkpoint.experiment,
            checkpoint.config["model"]["family"],
            checkpoint.config.get("run"),
            checkpoint.step,
            checkpoint.sha256,
        )
        settings = {"engine": maker.engine_name, "precision": maker.precision, "prime": prime}
        return tags.tags(origin, self.stream, maker.labels, settings)


def _forget_others(folder: Path) -> None:
    """Remove what was begun of other clips of the same name."""
    name = re.compile(re.escape(folder.name[:-24]) + "[0-9a-f]{24}")
    for path in sorted(folder.parent.glob(".*")) if folder.parent.is_dir() else []:
        if path.is_dir() and path != folder and name.fullmatch(path.name):
            shutil.rmtree(path)


def _encode(wav: Path, target: Path, output: Path) -> None:
    try:
        encoding.encode(wav, target)
    except ffmpeg.FfmpegError as error:
        raise UserError(f"{output}: cannot be written: {error}") from None
