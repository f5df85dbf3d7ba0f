"""The tables of params.yaml as typed, checked settings.

The description of a field is what an editor shows for it (workflow/schemas/params.schema.json).
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from rawtone.model_settings import Model
from rawtone.strict import Settings

NAME = r"^[a-z0-9][a-z0-9_-]*$"
Name = Annotated[str, Field(pattern=NAME)]
SHA256 = "^[0-9a-fA-F]{64}$"
KINDS = ("demo", "folder", "url", "page", "corpus")  # of a source
KEYS_OF = {"sha256": ("url",), "look": ("page",), "licence": ("folder", "url", "page")}


def _unequal(*values: list[Any]) -> None:
    for listing in values:
        if any(value in listing[:place] for place, value in enumerate(listing)):
            raise ValueError(f"expected no value twice, found {listing}")


class Source(Settings):
    """Where recordings come from: exactly one of demo, folder, url, page and corpus."""

    demo: Literal["music", "sine"] | None = Field(
        None, description="The built-in tunes, or a 440 Hz sine for debugging a model."
    )
    folder: str | None = Field(
        None, description="A folder of recordings, searched at any depth. ~ is your home."
    )
    url: str | None = Field(
        None,
        description="A recording, or a zip or tar archive of recordings, by HTTP; needs sha256.",
    )
    sha256: str | None = Field(
        None,
        description="Of url: the checksum of its bytes, as sha256sum prints it.",
        json_schema_extra={"pattern": SHA256},
    )
    page: str | None = Field(
        None, description="A page or playlist with recordings, read by yt-dlp (extra `pages`)."
    )
    look: int = Field(
        1, ge=1, description="Of page: it is looked at once; raise this to look at it again."
    )
    corpus: Name | None = Field(
        None, description="Another corpus of this file: all of its sources, for a mix."
    )
    licence: str | None = Field(
        None,
        min_length=1,
        description="Of folder, url or page: the licence of its recordings, whatever they say.",
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(kinds) != 1:
            found = f"'{kinds[0]}' and '{kinds[1]}'" if kinds else "none"
            known = ", ".join(f"'{kind}'" for kind in KINDS)
            raise ValueError(f"expected exactly one of {known}, found {found}")
        for key, its_kinds in KEYS_OF.items():
            if key in self.model_fields_set and kinds[0] not in its_kinds:
                raise ValueError(f"'{key}' belongs to {' or '.join(its_kinds)}, not to {kinds[0]}")
        return self

    @model_validator(mode="after")
    def _addressed(self) -> Self:
        if self.url is not None and not re.fullmatch(SHA256, self.sha256 or ""):
            raise ValueError(
                "expected 'sha256' beside 'url', the 64 digits that sha256sum prints, found "
                f"{'none' if self.sha256 is None else repr(self.sha256)}"
            )
        for address in filter(None, (self.url, self.page)):
            parts = urlsplit(address)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"expected an address as https://host/path, found '{address}'")
            if parts.username is not None:
                raise ValueError(
                    "expected an address without user and password, for it is published; they "
                    "belong into ~/.netrc"
                )
        return self


class Chunking(Settings):
    """How tracks are cut into chunks."""

    seconds: float = Field(8.0, gt=0, description="Length of a chunk.")
    overlap: float = Field(1.0, ge=0, description="Seconds a chunk shares with the one before it.")
    partial: Literal["keep", "pad"] = Field(
        "keep",
        description="The end of a track that fills no whole chunk: keep it at its own length, "
        "or pad it with silence that is learned, too.",
    )
    silence_dbfs: float = Field(
        -64.0,
        le=0,
        description="A chunk is silent, and left out, when at least half of it in one run "
        "stays below this level.",
    )
    trim_dbfs: float | None = Field(
        None,
        le=0,
        description="Leave out both ends of a track as far as they stay below this level; try -60.",
    )

    @model_validator(mode="after")
    def _advances(self) -> Self:
        if self.overlap >= self.seconds:
            raise ValueError(
                f"expected overlap below seconds, found {self.overlap} and {self.seconds}"
            )
        return self


class Split(Settings):
    """Which part of the corpus is learned from, and which is only listened to."""

    by: Literal["track", "album", "artist", "time"] = Field(
        "track",
        description="track, album, artist: whole ones are held out. time: the end of every track "
        "is held out, for a corpus of few tracks.",
    )
    validation: float = Field(0.1, gt=0, lt=0.5, description="Share for measuring while training.")
    test: float = Field(0.1, gt=0, lt=0.5, description="Share never looked at while training.")
    gap: float = Field(
        0.5,
        ge=0,
        description="Seconds left out between the parts of a track that is split by time; doubled "
        "until no model of this corpus hears across.",
    )


class Level(Settings):
    """What is done to the level of every track."""

    loudness_lufs: float | None = Field(
        None,
        ge=-60,
        le=0,
        description="Bring every track to this loudness (EBU R128) by one gain; try -23.",
    )
    true_peak_dbtp: float = Field(
        -1.0, le=0, description="The gain is smaller where it would lift a peak above this."
    )
    remove_dc: bool = Field(False, description="Subtract the mean of every channel.")


Wanted = dict[str, list[str | int]]


class Selection(Settings):
    """Which recordings are used, and how much of each."""

    include: Wanted = Field(
        {}, description="Only those with one of these values in every one of these columns."
    )
    exclude: Wanted = Field({}, description="None with any of these values in these columns.")
    leave_out: list[str] = Field([], description="None of these ids or paths in their sources.")
    min_seconds: float = Field(0.0, ge=0, description="None shorter than this.")
    max_seconds: float | None = Field(None, gt=0, description="None longer than this.")
    each_seconds: float | None = Field(None, gt=0, description="No more than this of each.")
    each: Literal["first", "even"] = Field(
        "first",
        description="Which each_seconds: the first, or chunks spread evenly over the track.",
    )
    max_hours: float | None = Field(
        None,
        gt=0,
        description="Draw recordings up to this length in all; more hours contain the fewer.",
    )
    seed: int = Field(0, ge=0, description="Which draw.")

    @model_validator(mode="after")
    def _some_length(self) -> Self:
        if self.max_seconds is not None and self.max_seconds < self.min_seconds:
            raise ValueError(
                f"expected max_seconds of at least min_seconds, found {self.max_seconds} and "
                f"{self.min_seconds}"
            )
        return self


LABELS = ("genre", "artist", "album", "title", "year", "folder")


class Corpus(Settings):
    """A named set of sources with one audio format, chunking and split."""

    sources: list[Source] = Field(min_length=1, description="Where the recordings come from.")
    sample_rate: int = Field(16000, ge=1000, le=192000, description="Samples a second.")
    channels: Literal[1, 2] = Field(1, description="1 is mono, 2 is stereo.")
    chunk: Chunking = Chunking()
    split: Split = Split()
    tags: str | None = Field(
        None,
        description="A CSV table whose columns override or add tags; its column path or id says "
        "of which recording.",
    )
    label: str | None = Field(
        "genre",
        description="What a model with global_channels is told of a recording: its genre, artist, "
        "album, title or year, another column of `tags`, or the folder within its source in which "
        "it lies.",
    )
    genres: str | None = Field(
        None,
        description="A CSV table with the columns spelling and genre, in place of rawtone's own.",
    )
    select: Selection = Selection()
    level: Level = Level()
    drop_duplicates: Literal["none", "exact", "near"] = Field(
        "exact",
        description="Use once what was found twice: never, the same audio, or also the same "
        "recording in another encoding. What is not dropped is reported.",
    )
    strict: bool = Field(False, description="Stop at the first recording that cannot be used.")
    ffmpeg: Literal["bundled", "system"] = Field(
        "bundled", description="bundled decodes to the same bytes on every machine."
    )

    @field_validator("label")
    @classmethod
    def _known_label(cls, label: str | None, info: ValidationInfo) -> str | None:
        if label is not None and label not in LABELS and info.data.get("tags") is None:
            known = ", ".join(repr(known) for known in LABELS)
            raise ValueError(
                f"expected {known} or null, found {label!r}; a label of your own is a column of a "
                "table that 'tags' names"
            )
        return label

    @model_validator(mode="after")
    def _whole_chunks(self) -> Self:
        each = self.select.each_seconds
        if self.select.each == "even" and each is not None and each < self.chunk.seconds:
            raise ValueError(
                f"expected select.each_seconds of at least a chunk ({self.chunk.seconds:g} s) with "
                f"each: even, found {each:g}"
            )
        return self


# Keys of a corpus that came later; at these values its settings are written as before.
LATER_OF_CORPUS: dict[str, Any] = {
    "select": Selection().model_dump(),
    "level": Level().model_dump(),
    "drop_duplicates": "exact",
}
LATER_OF_CHUNKING: dict[str, Any] = {"trim_dbfs": None}
LATER_OF_SPLIT: dict[str, Any] = {"gap": Split().gap}


class Quantizer(Settings):
    """How a sample becomes one of a number of codes."""

    kind: Literal["mu-law", "a-law", "linear"] = Field(description="mu-law suits most music.")
    levels: int = Field(ge=2, le=65536, description="Number of codes.")


class Keep(Settings):
    """Which published checkpoints stay on disk; the last one always does."""

    last: int = Field(1, ge=1, description="The newest so many.")
    every: int | None = Field(
        None, ge=1, description="Those at multiples of this step; without it none for that reason."
    )
    best: int = Field(0, ge=0, description="So many of the least loss on validation.")


class Training(Settings):
    """How the model learns."""

    steps: int = Field(ge=1, description="Optimizer updates in all.")
    batch_size: int = Field(ge=1, description="Windows in a batch.")
    workers: int = Field(
        1,
        ge=1,
        description="Processes that share every batch, on several GPUs or hosts; they divide "
        "batch_size.",
    )
    accumulate: int = Field(
        1, ge=1, description="Batches whose mean gradient makes a step; saves memory."
    )
    window: int = Field(
        ge=1, description="Samples predicted in a window; the context they need comes on top."
    )
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    learning_rate: float = Field(gt=0)
    epsilon: float = Field(
        1e-7, gt=0, description="Of adam, adamw and rmsprop: the least that a step is divided by."
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="Of sgd and rmsprop.")
    l2: float = Field(
        0.0, ge=0, description="Penalty on the squares of all weights but biases: 0.5 l2 |w|^2."
    )
    weight_decay: float = Field(0.01, ge=0, description="Of adamw.")
    warmup_steps: int = Field(ge=0, description="Steps over which the rate grows from zero.")
    schedule: Literal["constant", "cosine", "exponential"] = Field(
        description="cosine lets the rate fall to zero at the last step; exponential shrinks it "
        "by decay_rate for every decay_steps steps after step decay_after."
    )
    decay_after: int = Field(0, ge=0, description="Step at which exponential decay begins.")
    decay_steps: int = Field(1000, ge=1, description="Steps of one exponential decay.")
    decay_rate: float = Field(0.905, gt=0, le=1, description="Factor of one exponential decay.")
    clip_norm: float = Field(gt=0, description="Gradients longer than this are shortened to it.")
    ema: float | None = Field(
        None, gt=0, lt=1, description="Publish a moving average of the weights; try 0.999."
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    patience: int | None = Field(
        None, ge=1, description="Validations without a better one after which training ends."
    )
    rollback: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Where the loss explodes, go back to the checkpoint before, multiply the "
        "learning rate by this, and go on; without it training stops there.",
    )
    threads: int | None = Field(
        None,
        ge=1,
        description="Threads to compute with on a CPU: the last bits depend on how many. Without "
        "it as many as the machine has, so that another machine gets other last bits.",
    )
    deterministic: bool = Field(True, description="The same bytes again, also on a GPU.")
    seed: int = Field(ge=0)
    log_every: int = Field(ge=1, description="Steps between two lines of the log.")
    validate_every: int = Field(ge=1, description="Steps between two validations.")
    validation_batches: int = Field(ge=1, description="Batches of held-out windows in each.")
    checkpoint_every: int = Field(ge=1, description="Steps between two published checkpoints.")
    keep: Keep = Field(Keep(every=1), description="Which of them stay on disk.")
    save_minutes: float = Field(
        10, gt=0, description="Minutes after which the state is saved between checkpoints, too."
    )
    tensorboard: bool = Field(
        False, description="Write scalars and clips for TensorBoard, in the run's folder."
    )

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.batch_size % self.workers:
            raise ValueError(
                f"expected workers to divide batch_size, found {self.workers} and {self.batch_size}"
            )
        return self


# Keys of `training` that came later; at these values a run keeps the name that it had before.
LATER = {"epsilon": 1e-7, "l2": 0.0, "threads": None, "workers": 1}

# Keys of `training` that no weight depends on: what is kept, shown and saved on the way.
NOT_DECISIVE = ("keep", "save_minutes", "log_every", "tensorboard")


class StartFrom(Settings):
    """Where an experiment's weights come from, instead of chance."""

    experiment: Name = Field(description="One further up in params.yaml.")
    step: Annotated[int, Field(ge=1)] | Literal["best", "last"] = Field(
        "best", description="Which of its published checkpoints."
    )


class Prime(Settings):
    """The part of a recording that clips go on from."""

    recording: str = Field(
        min_length=1,
        description="A file of any format, relative to the project. ~ is your home.",
    )
    start: float = Field(0.0, ge=0, description="Seconds into it at which the part begins.")
    seconds: float = Field(1.0, gt=0, description="Length of the part.")
    keep: bool = Field(
        False, description="Begin each clip with the part itself; else with what comes after it."
    )


def _temperature(value: Any) -> float | dict[float, float]:
    """Check a temperature, or a table of seconds and temperatures."""
    if isinstance(value, Mapping):
        return _points(value, "temperatures", "{0: 1.0, 10: 0.8}", _heat)
    return _heat(value)


def _label(value: Any) -> str | dict[float, str]:
    """Check a label, or a table of seconds and labels."""
    if isinstance(value, Mapping):
        return _points(value, "labels", "{0: jazz, 10: rock}", _text)
    return _text(value)


def _heat(value: Any) -> float:
    if not _is_number(value) or value < 0:
        raise ValueError(f"expected a number from 0 on, found {value!r}")
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected a label, found {value!r}")
    return value


def _points(
    table: Mapping[Any, Any], what: str, example: str, check: Callable[[Any], Any]
) -> dict[float, Any]:
    points = {_second(at): check(value) for at, value in table.items()}
    if len(points) < 2:
        raise ValueError(f"expected {what} at two seconds or more, as in {example}, found {table}")
    return dict(sorted(points.items()))


def _second(at: Any) -> float:
    """Read a second, which JSON has as text."""
    try:
        second = float(at)
    except (TypeError, ValueError):
        second = math.nan
    if isinstance(at, bool) or not 0 <= second < math.inf:
        raise ValueError(f"expected seconds from 0 on, found {at!r}")
    return second


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


Temperature = Annotated[float | dict[float, float], BeforeValidator(_temperature)]
Label = Annotated[str | dict[float, str], BeforeValidator(_label)]


class Sampling(Settings):
    """Which clips are made from every checkpoint."""

    seconds: float = Field(gt=0, description="Length of a clip.")
    temperatures: list[Temperature] = Field(
        min_length=1,
        description="1 is what was learned, lower is safer, 0 takes the likeliest. A table of "
        "seconds and temperatures, as {0: 1.0, 10: 0.8}, changes it along the clip.",
    )
    top_p: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Draw only from the likeliest codes that have this share of probability.",
    )
    seeds: list[Annotated[int, Field(ge=0)]] = Field(
        min_length=1, description="One clip each for every temperature."
    )
    labels: Literal["all"] | Annotated[list[Label], Field(min_length=1)] = Field(
        "all",
        description="Of a model that is told labels: those of which clips are made. A table of "
        "seconds and labels, as {0: jazz, 10: rock}, goes from one to the next.",
    )
    prime: Prime | None = Field(
        None, description="What every clip goes on from; without it clips begin from silence."
    )

    engine: Literal["auto", "kernel", "loop"] = Field(
        "auto",
        description="kernel: compiled for CPUs, for the families that have one. loop: for any "
        "family and device. auto: the kernel where there is one.",
    )
    precision: Literal["float32", "bfloat16", "int8"] = Field(
        "float32",
        description="Of the kernel's weights: fewer bits are faster, and cost a little quality.",
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        _unequal(self.temperatures, self.seeds)
        if self.labels != "all":
            _unequal(self.labels)
        return self

    @model_validator(mode="after")
    def _rounded_by_the_kernel(self) -> Self:
        if self.engine == "loop" and self.precision != "float32":
            raise ValueError(
                f"expected precision float32 with engine loop, found {self.precision}; set engine "
                "to auto"
            )
        return self


# Keys of `sampling` and `prime` that came later: at these values nothing is said of them, as
# before, so that clips made before are not made anew.
LATER_OF_SAMPLING = {"top_p": 1.0, "engine": "auto", "precision": "float32"}
LATER_OF_PRIME = {"keep": False}


class Experiment(Settings):
    """A corpus, and all that decides what is learned from it."""

    corpus: Name = Field(description="One of the corpora above.")
    preset: Name = Field(description="A file of rawtone's presets, whose keys can be set here.")
    quantizer: Quantizer
    model: Model
    training: Training
    sampling: Sampling
    start_from: StartFrom | None = Field(
        None, description="Begin from another experiment's weights: train on one band, go on."
    )


class Params(Settings):
    """The whole of params.yaml, presets filled in."""

    corpora: dict[Name, Corpus] = Field(min_length=1)
    experiments: dict[Name, Experiment] = Field(min_length=1)
