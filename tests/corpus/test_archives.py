"""Out of an archive come its recordings, and nothing else, to no other place."""

import hashlib
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from rawtone import files
from rawtone.corpus.archives import is_archive, unpack
from rawtone.errors import UserError

TUNE, OTHER = b"RIFF" + bytes(5000), b"fLaC" + bytes(range(256)) * 20
DAY = 1448090880  # 2015-11-21


def stored(content: bytes, ending: str) -> str:
    return hashlib.sha256(content).hexdigest()[:12] + ending


def zipped(path: Path, members: dict[str, bytes], **how: object) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, (2015, 11, 21, 7, 28, 0))
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path


def tarred(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), DAY
            archive.addfile(info, io.BytesIO(content))
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


MEMBERS = {"b/tune.wav": TUNE, "a.FLAC": OTHER, "cover.jpg": b"x", ".DS_Store": b"x"}
HOW = {
    "zip": zipped,
    "tar": tarred,
    "tar.gz": lambda p, m: tarred(p, m, "w:gz"),
    "tar.bz2": lambda p, m: tarred(p, m, "w:bz2"),
    "tar.xz": lambda p, m: tarred(p, m, "w:xz"),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.mark.parametrize("kind", HOW)
def test_recordings_come_out_under_names_made_of_their_bytes(tmp_path, folder, kind):
    archive = HOW[kind](tmp_path / "download", MEMBERS)  # its name tells nothing
    assert is_archive(archive)
    found = unpack(archive, folder, "x")
    assert [entry.path for entry in found] == ["a.FLAC", "b/tune.wav", "cover.jpg"]
    assert [entry.size for entry in found] == [len(OTHER), len(TUNE), 0]
    assert [entry.published for entry in found] == ["2015-11-21", "2015-11-21", ""]
    assert found[2].status == "not audio by its ending .jpg"
    assert names(folder) == sorted([stored(OTHER, ".flac"), stored(TUNE, ".wav")])
    for entry in found[:2]:
        assert files.sha256(folder / stored(MEMBERS[entry.path], Path(entry.path).suffix.lower()))


@pytest.mark.parametrize("start", [b"RIFF", b"fLaC", b"OggS", b"ID3\x04", b"\xff\xfb\x90", b""])
def test_a_recording_is_no_archive(tmp_path, start):
    (tmp_path / "x").write_bytes(start + bytes(600))
    assert not is_archive(tmp_path / "x")


@pytest.mark.parametrize("kind", HOW)
@pytest.mark.parametrize("name", ["../../evil.wav", "/tmp/evil.wav", "a/../../../evil.wav"])
def test_nothing_leads_out(tmp_path, folder, kind, name):
    found = unpack(HOW[kind](tmp_path / "x", {name: TUNE, "good.wav": OTHER}), folder, "x")
    assert {entry.status for entry in found} == {"", "leads out of the archive"}
    assert names(folder) == [stored(OTHER, ".wav")]
    assert not list(tmp_path.rglob("evil*"))


SPECIAL = {
    "link": (tarfile.SYMTYPE, "a link in an archive"),
    "hard": (tarfile.LNKTYPE, "a link in an archive"),
    "pipe": (tarfile.FIFOTYPE, "no regular file"),
    "device": (tarfile.CHRTYPE, "no regular file"),
    "disk": (tarfile.BLKTYPE, "no regular file"),
}


def test_links_and_devices_are_listed_and_passed_over(tmp_path, folder):
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"secret")
    path = tarred(tmp_path / "x.tar", {"good.wav": TUNE})
    with tarfile.open(path, "a") as archive:
        for name, (kind, _) in SPECIAL.items():
            info = tarfile.TarInfo(f"{name}.wav")
            info.type, info.linkname = kind, str(secret)
            archive.addfile(info)
        # A link to a folder outside, and a file through it.
        info = tarfile.TarInfo("out")
        info.type, info.linkname = tarfile.SYMTYPE, str(tmp_path)
        archive.addfile(info)
        info = tarfile.TarInfo("out/evil.wav")
        info.size = len(OTHER)
        archive.addfile(info, io.BytesIO(OTHER))
    statuses = {entry.path: entry.status for entry in unpack(path, folder, "x")}
    assert statuses == {f"{name}.wav": why for name, (_, why) in SPECIAL.items()} | {
        "good.wav": "",
        "out": "a link in an archive",
        "out/evil.wav": "",  # a recording as any other: its name is no path
    }
    assert not (tmp_path / "evil.wav").exists() and len(names(folder)) == 2


def test_links_in_zip_archives(tmp_path, folder):
    path = zipped(tmp_path / "x.zip", {"good.wav": TUNE})
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("link.wav")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    found = unpack(path, folder, "x")
    assert [entry.status for entry in found] == ["", "a link in an archive"]


@pytest.mark.parametrize("kind", HOW)
def test_a_bomb_is_stopped_before_it_fills_the_disk(tmp_path, folder, kind):
    archive = HOW[kind](tmp_path / "x", {f"{i}.wav": bytes([i]) * 100_000 for i in range(20)})
    with pytest.raises(UserError, match="more than 500000 bytes come out"):
        unpack(archive, folder, "x", most=500_000)
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 500_000


def test_a_size_that_is_a_lie_is_not_believed(tmp_path, folder):
    """A bomb may declare few bytes; what comes out is counted."""
    path = zipped(tmp_path / "x.zip", {"x.wav": bytes(300_000)})
    honest = (300_000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(honest, (10).to_bytes(4, "little")))
    with pytest.raises(UserError):
        unpack(path, folder, "x", most=1000)


@pytest.mark.parametrize("kind", HOW)
@pytest.mark.parametrize("keep", [0.25, 0.5, 0.8])
def test_a_truncated_archive_is_an_error_that_names_it(tmp_path, folder, kind, keep):
    noise = {f"{i}.wav": os.urandom(30000) for i in range(3)}
    path = HOW[kind](tmp_path / "x", noise)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(UserError, match=r"^https://host/x: the archive cannot be read \(.*\)$"):
        unpack(path, folder, "https://host/x")


def test_one_damaged_recording_does_not_spoil_the_others(tmp_path, folder):
    path = zipped(tmp_path / "x.zip", {"bad.wav": os.urandom(5000), "good.wav": TUNE})
    content = bytearray(path.read_bytes())
    content[1000] ^= 255
    path.write_bytes(content)
    found = unpack(path, folder, "x")
    assert found[0].status.startswith("cannot be read: ") and not found[0].sha256
    assert found[1].status == "" and names(folder) == [stored(TUNE, ".wav")]


@pytest.mark.parametrize("members", [{}, {"readme.txt": b"x"}, {".hidden.wav": TUNE}])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_without_recordings(tmp_path, folder, kind, members):
    with pytest.raises(UserError, match="https://host/x: no recordings in it"):
        unpack(HOW[kind](tmp_path / "x", members), folder, "https://host/x")


def test_names_that_are_no_text_are_shown_on_one_line(tmp_path, folder):
    members = {"new\nline.wav": TUNE, os.fsdecode(b"\xff\xfe.wav"): OTHER}
    found = unpack(tarred(tmp_path / "x", members), folder, "x")
    assert [entry.path for entry in found] == [r"\xff\xfe.wav", r"new\nline.wav"]


@pytest.mark.parametrize("seconds", [0, -1e30, 1e30, float("inf"), float("nan")])
def test_a_time_that_cannot_be_is_not_known(tmp_path, folder, seconds):
    with tarfile.open(tmp_path / "x", "w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("a.wav")
        info.size, info.pax_headers = len(TUNE), {"mtime": str(seconds)}
        archive.addfile(info, io.BytesIO(TUNE))
    assert [entry.published for entry in unpack(tmp_path / "x", folder, "x")] == [""]
