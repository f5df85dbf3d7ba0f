"""fetch takes recordings from addresses and other corpora; a source that fails spoils no other."""

import hashlib
import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest
import yaml

from rawtone import files
from rawtone.corpus import table
from rawtone.errors import UserError
from rawtone.stages import convert, fetch, layout, settings

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # yt-dlp's
RAW = Path("data/raw/mine")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def tune(recordings) -> bytes:
    """Give the bytes of a recording; folders hold others."""
    content = (recordings / "a.wav").read_bytes()
    (recordings / "a.wav").unlink()
    return content


@pytest.fixture
def source(web, tune) -> dict:
    """Give a source with a url, and serve it."""
    return {"url": web.put("/tunes/My%20tune.wav", tune), "sha256": sha256(tune)}


@pytest.fixture
def archive(web, recordings) -> dict:
    """Give a source that is an archive of two recordings and a picture."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for name in ("b.flac", "deep/d.wav"):
            info = zipfile.ZipInfo(f"album/{name}", (2015, 11, 21, 0, 0, 0))
            packed.writestr(info, (recordings / name).read_bytes())
        packed.writestr(zipfile.ZipInfo("album/cover.jpg"), b"x")
    url = web.put("/get", content.getvalue())
    return {"url": f"{url}?id=3", "sha256": sha256(content.getvalue()), "licence": "CC BY 4.0"}


def refetch() -> list[dict[str, str]]:
    settings.run()
    fetch.run("mine")
    return table.read(RAW / "files.csv")


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_recording_by_url_is_a_row_with_its_origin(web, source, tune, write_params):
    write_params(sources=[source | {"licence": "CC0"}])
    (row,) = refetch()
    assert row["source"] == row["url"] == source["url"]
    assert (row["path"], row["status"], row["licence"]) == ("My tune.wav", "taken", "CC0")
    assert (RAW / row["file"]).read_bytes() == tune and row["sha256"] == source["sha256"]
    assert row["file"].endswith(".wav")


def test_settings_of_a_url_need_no_network_and_hold_its_checksum(web, source, write_params):
    write_params(sources=[source | {"sha256": source["sha256"].upper()}])
    settings.run()
    assert layout.read_settings("fetch", "mine") == {"sources": [source]}
    assert web.seen("/tunes/My%20tune.wav") == []


def test_an_archive_is_unpacked_and_each_file_listed(archive, write_params):
    write_params(sources=[archive])
    rows = refetch()
    assert [(row["path"], row["status"]) for row in rows] == [
        ("album/b.flac", "taken"),
        ("album/cover.jpg", "not audio by its ending .jpg"),
        ("album/deep/d.wav", "taken"),
    ]
    assert rows[0]["licence"] == "CC BY 4.0" and rows[0]["published"] == "2015-11-21"
    assert {row["source"] for row in rows} == {archive["url"]}


def test_what_was_fetched_decodes(archive, source, write_params):
    write_params(sources=[archive, source])
    refetch()
    convert.run("mine")
    rows = table.read(layout.tracks("mine") / "tracks.csv")
    assert [row["status"] for row in rows] == ["used"] * 3


def test_without_network_and_downloads_what_is_there_builds(web, archive, source, write_params):
    """As on a machine that has only pulled data/: an edit of the settings needs no network."""
    write_params(sources=[archive, source])
    refetch()
    web.resources.clear()
    shutil.rmtree(".downloads")
    write_params(sources=[archive, source, {"folder": "music"}])
    assert len(refetch()) == 7


def test_a_lost_recording_comes_back_from_what_was_downloaded(web, archive, write_params):
    write_params(sources=[archive])
    rows = refetch()
    web.resources.clear()
    (RAW / rows[0]["file"]).unlink()
    (RAW / rows[2]["file"]).write_bytes(b"damaged")
    refetch()
    assert all(files.sha256(RAW / row["file"]) == row["sha256"] for row in rows if row["file"])


def test_twice_and_elsewhere_it_is_the_same_bytes(archive, source, write_params, tmp_path):
    write_params(sources=[archive, source])
    refetch()
    before = everything(RAW)
    shutil.rmtree("data")
    shutil.rmtree(".downloads")
    refetch()
    assert everything(RAW) == before


def test_a_source_that_fails_spoils_no_other_and_a_retry_goes_on(
    web, archive, source, recordings, write_params
):
    right = web.resources.pop("/tunes/My%20tune.wav")
    write_params(sources=[source, archive, {"folder": "music"}])
    with pytest.raises(UserError, match=rf"^{source['url']}: .*404.*corpus 'mine' has all else"):
        refetch()
    kept = {path.name for path in RAW.iterdir()}
    assert "files.csv" not in kept and len(kept) == 4  # three recordings, and what was in the zip
    web.resources["/tunes/My%20tune.wav"] = right
    del web.resources["/get"]
    assert len([row for row in refetch() if row["status"] == "taken"]) == 4


def test_all_sources_that_fail_are_told(web, source, archive, write_params, caplog):
    web.resources.clear()
    write_params(sources=[source, archive])
    with pytest.raises(UserError, match=rf"^{source['url']}.*and 1 more, see above"):
        refetch()
    told = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == 1 and archive["url"] in told[0]


def test_a_failed_build_keeps_what_was_fetched_before(web, source, archive, write_params):
    write_params(sources=[archive])
    refetch()
    before = everything(RAW)
    web.resources.clear()
    write_params(sources=[source, archive])
    with pytest.raises(UserError):
        refetch()
    assert everything(RAW) == before


def test_wrong_bytes_never_reach_the_corpus(web, source, tune, write_params):
    web.put("/tunes/My%20tune.wav", tune[:-2] + b"xx")
    write_params(sources=[source, {"folder": "music"}])
    with pytest.raises(UserError, match=f"expected sha256 {source['sha256']}, found "):
        refetch()
    assert not list(RAW.glob(f"{source['sha256'][:12]}*"))
    assert not list(RAW.glob(f"{sha256(tune[:-2] + b'xx')[:12]}*"))


def test_the_same_bytes_by_url_and_from_a_folder_are_taken_once(web, recordings, write_params):
    content = (recordings / "b.flac").read_bytes()
    url = {"url": web.put("/x.flac", content), "sha256": sha256(content)}
    write_params(sources=[{"folder": "music"}, url])
    rows = refetch()
    assert rows[-1]["status"] == "same bytes as b.flac"


def write_mix(**corpora: list) -> None:
    experiment = {"corpus": "mine", "preset": "wavenet-demo"}
    tables = {name: {"sources": s, "sample_rate": 8000} for name, s in corpora.items()}
    params = {"corpora": tables, "experiments": {"mine": experiment}}
    Path("params.yaml").write_text(yaml.safe_dump(params))


def test_a_mix_has_the_recordings_of_both_and_fetches_nothing_again(
    web, archive, recordings, write_params
):
    write_mix(one=[archive], two=[{"folder": "music"}], mine=[{"corpus": "one"}, {"corpus": "two"}])
    settings.run()
    fetch.run("one")
    web.resources.clear()
    shutil.rmtree(".downloads")
    rows = refetch()
    assert {row["source"] for row in rows} == {archive["url"], "music"}
    taken = {row["sha256"] for row in rows if row["status"] == "taken"}
    assert len(taken) == 4 == len({p.name for p in RAW.iterdir()} - {"files.csv", "sources.json"})


def test_a_mix_of_a_folder_that_is_elsewhere(recordings, write_params):
    """Its recordings come from the corpus that has them, as after a pull."""
    write_mix(two=[{"folder": "music"}], mine=[{"folder": "music"}])
    settings.run()
    fetch.run("two")
    shutil.rmtree(recordings)
    write_mix(two=[{"folder": "music"}], mine=[{"corpus": "two"}])
    assert [row["status"] for row in refetch()] == ["taken"] * 4


def test_a_source_that_comes_twice_in_a_mix_is_listed_once(recordings, write_params):
    mixed = [{"corpus": "one"}, {"corpus": "two"}, {"folder": "music"}]
    write_mix(one=[{"folder": "music"}], two=[{"corpus": "one"}], mine=mixed)
    assert len(refetch()) == 4


def test_lists_of_sources_that_are_gone_are_removed(archive, source, write_params):
    write_params(sources=[archive, source])
    refetch()
    assert len(json.loads((RAW / "sources.json").read_text())) == 2
    write_params(sources=[source])
    refetch()
    assert len(json.loads((RAW / "sources.json").read_text())) == 1
    write_params(sources=[{"folder": "music"}])
    refetch()
    assert not (RAW / "sources.json").exists()


@pytest.fixture
def page(web, recordings, yt_dlp) -> dict:
    """Give a source that is a page of two recordings, read by yt-dlp."""
    for name in ("b.flac", "deep/d.wav", "deep/er/c.ogg"):
        web.put(f"/{name}", (recordings / name).read_bytes(), kind="audio/wav")
    return put_page(web, "b.flac", "deep/d.wav")


def put_page(web, *names: str) -> dict:
    players = "".join(f'<audio src="/{name}"></audio>' for name in names)
    text = f"<html><title>Tunes</title>{players}</html>"
    return {"page": web.put("/page", text, kind="text/html")}


def test_a_page_is_looked_at_once(web, page, write_params):
    write_params(sources=[page | {"licence": "CC0"}])
    rows = refetch()
    assert [row["status"] for row in rows] == ["taken"] * 2
    assert rows[0]["title"] == "Tunes (1)" and rows[0]["licence"] == "CC0"
    assert rows[0]["url"].endswith("/b.flac") and rows[0]["fetched"]
    before = everything(RAW)
    put_page(web, "deep/er/c.ogg")
    shutil.rmtree(".downloads")
    refetch()
    assert everything(RAW) == before


def test_a_higher_look_looks_again_and_says_what_is_gone(web, page, write_params):
    write_params(sources=[page])
    refetch()
    put_page(web, "deep/d.wav", "deep/er/c.ogg")
    write_params(sources=[page | {"look": 2}])
    statuses = {row["url"][-4:]: row["status"] for row in refetch()}
    assert statuses == {"flac": "no longer on the page", ".wav": "taken", ".ogg": "taken"}


def test_two_corpora_of_one_page_are_of_one_look(web, page, write_params):
    write_mix(one=[page], mine=[{"corpus": "one"}])
    settings.run()
    fetch.run("one")
    put_page(web, "deep/er/c.ogg")
    assert len(refetch()) == 2


def test_a_recording_that_cannot_be_had_is_a_row_or_an_error_if_strict(web, page, write_params):
    del web.resources["/b.flac"]
    write_params(sources=[page])
    lost, taken = refetch()
    assert lost["status"].startswith("cannot be had: ") and taken["status"] == "taken"
    write_params(sources=[page], strict=True)
    with pytest.raises(
        UserError, match=r"corpus 'mine' is strict and .* of http.*/page cannot be had"
    ):
        refetch()
