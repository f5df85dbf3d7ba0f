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

from rawtone.audio import encoding, ffmpeg, pcm
from rawtone.errors import UserError
from rawtone.files import atomic
from rawtone.generation import grid, priming
from rawtone.generation.streams import Stream
from rawtone.models import backend
from rawtone.sampling_settings import Label, Prime, Temperature
from rawtone.stages import published
from rawtone.stages.sample import tell_cost

if TYPE_CHECKING:
    from rawtone.generation.maker import Maker, Primed

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

    engine: Any = options.engine or "auto"
    precision: Any = options.precision or "float32"
    maker = Maker(checkpoint.config, engine, precision, where="--")
    label = _label(options.label, maker.labels)
    stream = Stream(wanted.seed, wanted.temperature, label, _top_p(wanted.top_p, maker))
    prime = _prime(options, wanted, maker)
    maker.load(checkpoint.weights, checkpoint.sha256)
    samples = round(wanted.seconds * maker.sample_rate)
    if output == _PIPE:
        _to_pipe(stream, samples, maker, prime)
    else:
        _to_file(Path(output), stream, samples, maker, prime)
    tell_cost(maker)


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


def _to_pipe(stream: Stream, samples: int, maker: "Maker", prime: "Primed | None") -> None:
    """Write a wav to standard output, every block as soon as it is made."""
    from rawtone.generation.engine import generate
    from rawtone.generation.keeping import decoded
    from rawtone.generation.progress import Progress

    progress = Progress(samples, maker.sample_rate)
    codes, out = prime.codes if prime else None, sys.stdout.buffer
    try:
        out.write(pcm.endless_header(maker.channels, maker.sample_rate))
        if prime and prime.kept is not None:
            out.write(prime.kept.astype("<i2").tobytes())
        for part in generate(maker.engine, [stream], samples, codes):
            out.write(decoded(part.codes[0], maker.codec).astype("<i2").tobytes())
            out.flush()
            progress.made(part.codes.shape[1])
    except BrokenPipeError:  # whoever listened has heard enough
        # or Python would complain when it flushes what is left in the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        progress.close()


def _to_file(
    output: Path, stream: Stream, samples: int, maker: "Maker", prime: "Primed | None"
) -> None:
    """Make a clip beside its place, where a kill leaves what is made so far, and put it there."""
    from rawtone.generation.kept import make_streams
    from rawtone.generation.progress import Progress

    key = maker.key(stream, samples, prime)
    folder = output.parent / f".{output.name}.{key}"
    _forget_others(folder)
    progress = Progress(samples, maker.sample_rate)
    try:
        (raw,) = make_streams(folder, [key], [stream], samples, maker, prime, progress)
        _write(output, raw, maker, prime)
        shutil.rmtree(folder)
    except BaseException:
        if not (folder / "state.npz").exists():  # nothing to go on from
            shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        progress.close()
    speed = progress.speed
    fast = f", {speed:.2g} x real time" if speed else ""
    _log.info("%g s in %s%s", _seconds(samples, maker, prime), output, fast)


def _seconds(samples: int, maker: "Maker", prime: "Primed | None") -> float:
    """Return the length of a clip with what it keeps of its prime."""
    kept = len(prime.kept) if prime and prime.kept is not None else 0
    return (samples + kept) / maker.sample_rate


def _forget_others(folder: Path) -> None:
    """Remove what was begun of other clips of the same name."""
    name = re.compile(re.escape(folder.name[:-24]) + "[0-9a-f]{24}")
    for path in sorted(folder.parent.glob(".*")) if folder.parent.is_dir() else []:
        if path.is_dir() and path != folder and name.fullmatch(path.name):
            shutil.rmtree(path)


def _write(output: Path, raw: Path, maker: "Maker", prime: "Primed | None") -> None:
    wav = raw.with_suffix(".wav")
    pcm.write_raw(wav, raw, maker.channels, maker.sample_rate, prime.kept if prime else None)
    with atomic(output) as temporary:
        if output.suffix.lower() == ".wav":
            shutil.copyfile(wav, temporary)
            return
        try:
            encoding.encode(wav, temporary)
        except ffmpeg.FfmpegError as error:
            raise UserError(f"{output}: cannot be written: {error}") from None
