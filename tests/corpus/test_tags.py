"""Tags are read alike from all formats, and years from all ways to write a date."""

import shutil
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.id3 import TALB, TCON, TDRC, TIT2, TPE1
from mutagen.wave import WAVE

from rawtone.audio import ffmpeg
from rawtone.corpus import tags

TAGS = {"title": "A\nSong", "artist": "Some One", "album": "Live", "genre": "Jazz"}


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.3 * np.sin(np.arange(22050) / 9), 22050)
    return path


def described(path: Path) -> dict[str, str]:
    return tags.described(path, ffmpeg.probe(path).tags)


EXPECTED = {"title": "A Song", "artist": "Some One", "album": "Live", "genre": "Jazz"}


@pytest.mark.parametrize("ending", ["mp3", "flac", "ogg", "opus", "m4a"])
def test_every_format_tells_the_same(tone, tmp_path, ending):
    path = tmp_path / f"x.{ending}"
    ffmpeg.run(["-i", str(tone), str(path)])
    file = mutagen.File(path, easy=True)
    if file.tags is None:
        file.add_tags()
    for key, value in (TAGS | {"date": "1999-05-01", "copyright": "CC BY"}).items():
        file[key] = value
    file.save()
    assert described(path) == EXPECTED | {"year": "1999", "licence": "CC BY"}


def test_a_name_that_tells_another_format_hides_no_tags(tone, tmp_path):
    path = tmp_path / "x.mp3"
    ffmpeg.run(["-i", str(tone), str(path)])
    file = mutagen.File(path, easy=True)
    file.update(TAGS)
    file.save()
    for name in ("x.wav", "x.ogg", "x.m4a", "x.xyz", "x"):
        shutil.copy(path, tmp_path / name)
        assert tags.described(tmp_path / name, {}) == EXPECTED | {"year": "", "licence": ""}, name


def test_wav_with_id3_and_with_an_info_chunk(tone, tmp_path):
    with_id3 = tmp_path / "id3.wav"
    shutil.copy(tone, with_id3)
    file = WAVE(with_id3)
    file.add_tags()
    for frame, key in ((TIT2, "title"), (TPE1, "artist"), (TALB, "album"), (TCON, "genre")):
        file.tags.add(frame(encoding=3, text=TAGS[key]))
    file.tags.add(TDRC(encoding=3, text="1999"))
    file.save()
    assert described(with_id3) == EXPECTED | {"year": "1999", "licence": ""}
    info = tmp_path / "info.wav"
    options = [word for key, value in TAGS.items() for word in ("-metadata", f"{key}={value}")]
    ffmpeg.run(["-i", str(tone), *options, "-metadata", "date=1999", str(info)])
    assert described(info) == EXPECTED | {"year": "1999", "licence": ""}


def test_a_genre_by_its_number_and_the_first_of_several(tone, tmp_path):
    path = tmp_path / "x.mp3"
    ffmpeg.run(["-i", str(tone), str(path)])
    file = mutagen.File(path)
    file.tags.add(TCON(encoding=3, text="(17)"))
    file.save()
    assert described(path)["genre"] == "Rock"
    file.tags["TCON"] = TCON(encoding=3, text=["Techno", "House"])
    file.save()
    assert described(path)["genre"] == "Techno"


@pytest.mark.parametrize(
    ("date", "year"),
    [
        ("1999", "1999"),
        ("1999-05-01T10:00:00Z", "1999"),
        ("1.5.1999", "1999"),
        ("May 1, 1999", "1999"),
        ("19990501", "1999"),
        ("01051999", "1999"),
        ("c. 1967", "1967"),
        ("1967/68", "1967"),
        ("(P) 2003 Label", "2003"),
        ("0000", ""),
        ("67", ""),
        ("", ""),
        ("123456", ""),
    ],
)
def test_the_year_in_a_date(date, year):
    assert tags.year(date) == year


def test_a_file_that_mutagen_cannot_read_has_the_tags_that_ffmpeg_found(tmp_path):
    (tmp_path / "x.flac").write_bytes(b"fLaC" + b"\xff" * 60)
    assert tags.described(tmp_path / "x.flac", {"title": "T"})["title"] == "T"
