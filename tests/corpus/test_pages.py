"""yt-dlp, for real, on pages on loopback: every recording once, with what is known of it."""

import io
import re
import sys

import numpy as np
import pytest
import soundfile

from rawtone import files
from rawtone.audio import ffmpeg
from rawtone.corpus import pages
from rawtone.corpus.downloads import Downloads
from rawtone.corpus.transfer import Patience
from rawtone.errors import UserError

pytestmark = [
    pytest.mark.usefixtures("yt_dlp"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

QUICK = Patience(attempts=3, pause=0.01, longest_pause=0.05, timeout=2)


def wav(seed: int, seconds: float = 1.0) -> bytes:
    file = io.BytesIO()
    time = np.arange(round(8000 * seconds)) / 8000
    soundfile.write(file, 0.3 * np.sin(2 * np.pi * (220 + 50 * seed) * time), 8000, format="WAV")
    return file.getvalue()


@pytest.fixture
def downloads(tmp_path) -> Downloads:
    return Downloads(tmp_path / "downloads", QUICK)


@pytest.fixture
def page(web) -> str:
    """Give a page of two recordings and the address of a third that is not there."""
    for seed, name in enumerate(("a", "b")):
        web.put(f"/{name}.wav", wav(seed), kind="audio/wav")
    return put_page(web, "a", "b")


def put_page(web, *names: str) -> str:
    players = "".join(f'<audio src="/{name}.wav"></audio>' for name in names)
    return web.put("/page", f"<html><title>My tunes</title>{players}</html>", kind="text/html")


def look(page: str, downloads: Downloads, known=()) -> list:
    before = {entry.url: entry for entry in known}
    return pages.look(page, downloads, before, lambda entry: downloads.has(entry.sha256))


def test_every_recording_of_a_page_with_what_is_known_of_it(page, web, downloads):
    found = look(page, downloads)
    assert [entry.path for entry in found] == [
        "My tunes (1) [a].wav",
        "My tunes (2) [b].wav",
    ]
    for seed, entry in enumerate(found):
        assert downloads.place(entry.sha256).read_bytes() == wav(seed)
        assert entry.size == len(wav(seed)) and entry.status == ""
        assert entry.url == web.address(f"/{'ab'[seed]}.wav")
        assert entry.title == f"My tunes ({seed + 1})"
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", entry.fetched)


def test_a_feed_names_title_and_day(page, web, downloads):
    items = [
        f"<item><title>First / tune</title><link>{web.address('/a.wav')}</link></item>",
        f'<item><title>Next</title><enclosure url="{web.address("/b.wav")}"/></item>',
    ]
    text = f'<?xml version="1.0"?><rss><channel><title>x</title>{"".join(items)}</channel></rss>'
    found = look(web.put("/feed", text, kind="text/xml"), downloads)
    assert [entry.path for entry in found] == ["First _ tune [a].wav", "Next [b].wav"]
    assert found[0].title == "First / tune"


def test_lists_in_lists_are_followed_once_each(page, web, downloads):
    """As the tabs of a channel; and one list may lead back to another."""
    web.put("/c.wav", wav(2), kind="audio/wav")
    links = [web.address(path) for path in ("/page", "/c.wav", "/inner", "/feed")]
    items = "".join(f"<item><title>x</title><link>{link}</link></item>" for link in links)
    feed = f'<?xml version="1.0"?><rss><channel><title>x</title>{items}</channel></rss>'
    for path in ("/feed", "/inner"):
        web.put(path, feed, kind="text/xml")
    found = look(web.address("/feed"), downloads)
    assert sorted(entry.url[-6:] for entry in found) == ["/a.wav", "/b.wav", "/c.wav"]
    assert all(entry.sha256 for entry in found)


def test_a_page_of_one_recording(page, web, downloads):
    (one,) = look(put_page(web, "a"), downloads)
    assert one.path == "My tunes (1) [a].wav"


def test_a_recording_in_place_of_a_page(page, web, downloads):
    (bare,) = look(web.address("/a.wav"), downloads)
    assert bare.path == "a [a].wav" and bare.published == "2015-11-21"


def test_nothing_is_fetched_twice(page, web, downloads):
    look(page, downloads)
    asked = len(web.seen("/a.wav"))
    look(page, downloads)
    assert len(web.seen("/a.wav")) == asked


def test_a_look_that_failed_half_way_goes_on(page, web, downloads):
    web.resources["/a.wav"].refuse = [503] * 99
    with pytest.raises(UserError, match=rf"{page}: .*503.*; run again later, what came is kept"):
        look(page, downloads)
    asked = len(web.seen("/b.wav"))
    web.resources["/a.wav"].refuse = []
    assert len(look(page, downloads)) == 2
    assert len(web.seen("/b.wav")) == asked


def test_a_network_that_is_gone_is_not_asked_for_every_recording(page, web, downloads, free_port):
    away = "".join(f'<audio src="http://127.0.0.1:{free_port}/{i}.wav"></audio>' for i in range(9))
    web.put("/page", f'<html>{away}<audio src="/b.wav"></audio></html>', kind="text/html")
    with pytest.raises(UserError, match="run again later"):
        look(page, downloads)
    assert web.seen("/b.wav") == []


def test_a_recording_that_is_cut_off_is_gone_on_with(page, web, downloads):
    web.resources["/b.wav"].cut = 9000
    found = look(page, downloads)
    assert downloads.place(found[1].sha256).read_bytes() == wav(1)


def test_a_recording_that_never_comes_whole_is_not_taken(page, web, downloads):
    web.resources["/b.wav"].cut = 9000
    web.resources["/b.wav"].ranges = False
    with pytest.raises(UserError, match="run again later"):
        look(page, downloads)
    kept = {path.name for path in downloads.folder.iterdir() if len(path.name) == 64}
    assert kept == {files.sha256(downloads.place(name)) for name in kept} and len(kept) == 1


def test_a_recording_that_is_gone_is_listed_with_the_reason(page, web, downloads):
    del web.resources["/b.wav"]
    taken, lost = look(page, downloads)
    assert taken.sha256 and not lost.sha256
    assert lost.url == web.address("/b.wav")
    assert re.fullmatch(r"cannot be had: .*HTTP Error 404: Not Found", lost.status)


def test_a_page_of_which_nothing_can_be_had(page, web, downloads):
    del web.resources["/a.wav"], web.resources["/b.wav"]
    with pytest.raises(UserError, match=rf"{page}: none of its 2 recordings can be had.*404"):
        look(page, downloads)


def test_a_page_and_a_recording_that_are_busy_for_a_while(page, web, downloads):
    web.resources["/page"].refuse = [503, 429]
    web.resources["/a.wav"].refuse = [503]
    assert len(look(page, downloads)) == 2


def test_a_page_or_recording_of_a_host_that_is_away(page, web, downloads, free_port):
    """It may come back, so nothing is decided."""
    away = f"http://127.0.0.1:{free_port}"
    with pytest.raises(UserError, match=rf"^{away}/page: .*refused; run again later"):
        look(f"{away}/page", downloads)
    players = f'<audio src="/a.wav"></audio><audio src="{away}/b.wav"></audio>'
    web.put("/page", f"<html>{players}</html>", kind="text/html")
    with pytest.raises(UserError, match=rf"^{page}: {away}/b.wav: .*refused.*; run again later"):
        look(page, downloads)


@pytest.mark.parametrize(
    ("path", "why"),
    [("/nowhere", "404: Not Found; check the address"), ("/none", "Unsupported URL.*; check")],
)
def test_a_page_that_is_none(web, downloads, path, why):
    web.put("/none", "<html>nothing here</html>", kind="text/html")
    with pytest.raises(UserError, match=f"^{web.address(path)}: .*{why}") as raised:
        look(web.address(path), downloads)
    assert "\n" not in str(raised.value)


def test_another_look_adds_what_is_new_and_lists_what_is_gone(page, web, downloads):
    before = look(page, downloads)
    asked = len(web.seen("/b.wav"))
    web.put("/c.wav", wav(2), kind="audio/wav")
    put_page(web, "b", "c")
    again = look(page, downloads, before)
    assert [entry.url[-6:] for entry in again] == ["/b.wav", "/c.wav", "/a.wav"]
    assert [entry.status for entry in again] == ["", "", "no longer on the page"]
    assert again[0] == before[1] and len(web.seen("/b.wav")) == asked


def test_of_a_video_the_audio_alone_is_kept_as_it_is(web, downloads, tmp_path):
    (tmp_path / "tone.wav").write_bytes(wav(0, 2.0))
    pictures = ["-f", "lavfi", "-i", "color=s=64x64:d=2", "-i", str(tmp_path / "tone.wav")]
    video = tmp_path / "film.mp4"
    ffmpeg.run([*pictures, "-c:v", "mpeg4", "-c:a", "aac", str(video)])
    url = web.put("/film.mp4", video.read_bytes(), kind="video/mp4")
    (entry,) = look(url, downloads)
    assert entry.path == "film [film].mka"
    audio = downloads.place(entry.sha256)
    packets = ["-map", "0:a", "-c", "copy", "-f", "framemd5", "pipe:1"]
    before, after = (ffmpeg.run(["-i", f"file:{path}", *packets]) for path in (video, audio))
    assert sums(before) == sums(after) and len(sums(after)) > 10
    with pytest.raises(ffmpeg.FfmpegError):
        ffmpeg.run(["-i", f"file:{audio}", "-map", "0:v", "-f", "null", "-"])


@pytest.fixture
def stream(web, tmp_path) -> str:
    """Give the address of a stream in six segments (HLS)."""
    (tmp_path / "tone.wav").write_bytes(wav(0, 6.0))
    how = ["-c:a", "aac", "-f", "hls", "-hls_time", "1", "-hls_list_size", "0"]
    ffmpeg.run(["-i", str(tmp_path / "tone.wav"), *how, str(tmp_path / "live.m3u8")])
    for path in tmp_path.glob("live*"):
        web.put(f"/{path.name}", path.read_bytes(), kind="application/vnd.apple.mpegurl")
    return web.address("/live.m3u8")


def test_a_stream_in_segments_comes_whole(stream, downloads):
    (entry,) = look(stream, downloads)
    samples = ffmpeg.run(["-i", f"file:{downloads.place(entry.sha256)}", "-f", "s16le", "pipe:1"])
    assert 2 * 8000 * 6 <= len(samples) <= 2 * 8000 * 6.5


def test_a_stream_that_lacks_a_segment_is_not_taken_with_a_gap(stream, web, downloads):
    del web.resources["/live2.ts"]
    with pytest.raises(UserError, match=r"none of its 1 recordings|run again later"):
        look(stream, downloads)
    assert not [path for path in downloads.folder.iterdir() if len(path.name) == 64]


def sums(framemd5: bytes) -> list[str]:
    lines = framemd5.decode().splitlines()
    return [line.split(",")[-1] for line in lines if not line.startswith("#")]


def test_bytes_that_are_lost_are_brought_again_if_they_are_the_same(page, web, downloads):
    entry, other = look(page, downloads)
    downloads.place(entry.sha256).unlink()
    assert files.sha256(pages.bring(entry, downloads)) == entry.sha256
    downloads.place(other.sha256).unlink()
    web.put("/b.wav", wav(7), kind="audio/wav")
    with pytest.raises(UserError, match="comes in other bytes than when it was found; dvc pull"):
        pages.bring(other, downloads)


def test_without_yt_dlp_it_is_said_how_to_get_it(page, downloads, monkeypatch):
    monkeypatch.setitem(sys.modules, "yt_dlp", None)
    with pytest.raises(UserError, match=r"needs the package yt-dlp, .* 'rawtone\[pages\]'"):
        look(page, downloads)
