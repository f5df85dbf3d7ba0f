"""The tables of corpora in params.yaml as typed, checked settings."""

import re
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from rawtone.strict import Name, Settings

SHA256 = "^[0-9a-fA-F]{64}$"
KINDS = ("demo", "folder", "url", "page", "corpus")  # of a source
KEYS_OF = {"sha256": ("url",), "look": ("page",), "licence": ("folder", "url", "page")}


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
