"""A file that came by HTTP is the right one, or there is none and an error says why."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rawtone import files
from rawtone.corpus.downloads import Downloads
from rawtone.corpus.transfer import Patience
from rawtone.errors import UserError

CONTENT = bytes(range(256)) * 400  # 102,400 bytes
RIGHT = hashlib.sha256(CONTENT).hexdigest()
QUICK = Patience(attempts=3, pause=0.01, longest_pause=0.05, timeout=0.5)


@pytest.fixture
def downloads(tmp_path) -> Downloads:
    return Downloads(tmp_path / "downloads", QUICK)


def left(downloads: Downloads) -> set[str]:
    """Return the endings of all that is kept but locks."""
    names = {path.name for path in downloads.folder.iterdir()} - {"locks"}
    return {name.removeprefix(RIGHT) for name in names}


def fails(downloads: Downloads, url: str, why: str) -> None:
    with pytest.raises(UserError, match=why) as raised:
        downloads.get(url, RIGHT)
    assert url in str(raised.value) and "\n" not in str(raised.value)
    assert not downloads.has(RIGHT)


def test_a_file_comes_whole_and_once(web, downloads):
    url = web.put("/x", CONTENT)
    assert downloads.get(url, RIGHT).read_bytes() == CONTENT
    downloads.get(url, RIGHT)
    assert web.seen("/x") == [None]
    assert left(downloads) == {"", ".json"}


def test_when_it_came_and_what_the_server_said_lies_beside_it(web, downloads):
    url = web.put("/x", CONTENT)
    downloads.get(url, RIGHT)
    said = downloads.said(RIGHT)
    assert said["url"] == url and said["last_modified"] == "Sat, 21 Nov 2015 07:28:00 GMT"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", said["fetched"])


def test_without_network_what_is_there_is_enough(web, downloads):
    url = web.put("/x", CONTENT)
    downloads.get(url, RIGHT)
    web.resources.clear()
    assert downloads.get(url, RIGHT).read_bytes() == CONTENT


def test_what_is_damaged_is_fetched_again(web, downloads):
    url = web.put("/x", CONTENT)
    downloads.get(url, RIGHT).write_bytes(b"damaged")
    assert downloads.get(url, RIGHT).read_bytes() == CONTENT


def test_what_is_cut_off_again_and_again_is_gone_on_with(web, downloads):
    """Every attempt brings something new, so there may be more of them than in vain."""
    url = web.put("/x", CONTENT, cut=20000)
    assert downloads.get(url, RIGHT).read_bytes() == CONTENT
    assert len(web.seen("/x")) >= 6 > QUICK.attempts
    assert all(seen for seen in web.seen("/x")[1:])


def test_a_server_that_tells_no_length_and_cuts_off(web, downloads):
    """Where nothing tells of the cut, the checksum does."""
    url = web.put("/x", CONTENT, cut=20000, length=False)
    fails(downloads, url, "expected sha256")
    assert left(downloads) <= {".json"}


def test_a_server_that_ignores_ranges(web, downloads):
    url = web.put("/x", CONTENT, ranges=False)
    part = downloads.folder / f"{RIGHT}.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT[:50000])
    assert downloads.get(url, RIGHT).read_bytes() == CONTENT
    assert web.seen("/x") == ["bytes=50000-"]


def test_a_server_that_ignores_ranges_and_cuts_off_for_ever(web, downloads):
    url = web.put("/x", CONTENT, ranges=False, cut=60000)
    fails(downloads, url, "broke off, 3 times; run again later, what came is kept")
    assert (downloads.folder / f"{RIGHT}.part").stat().st_size < len(CONTENT)


def test_a_server_that_goes_on_from_another_place(web, downloads):
    url = web.put("/x", CONTENT, shift=100)
    part = downloads.folder / f"{RIGHT}.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT[:50000])
    assert downloads.get(url, RIGHT).read_bytes() == CONTENT


@pytest.mark.parametrize("beginning", [b"another file's", b"x" * 200000, CONTENT, CONTENT + b"x"])
def test_a_beginning_that_is_another_files_or_all_there_is(web, downloads, beginning):
    url = web.put("/x", CONTENT)
    part = downloads.folder / f"{RIGHT}.part"
    part.parent.mkdir()
    part.write_bytes(beginning)
    assert downloads.get(url, RIGHT).read_bytes() == CONTENT


def test_a_slow_server(web, downloads):
    url = web.put("/x", CONTENT, pause=0.02)
    assert downloads.get(url, RIGHT).read_bytes() == CONTENT
    assert len(web.seen("/x")) == 1


def test_a_server_that_falls_silent_half_way(web, downloads):
    url = web.put("/x", CONTENT, cut=40960, stall=1.5)
    assert downloads.get(url, RIGHT).read_bytes() == CONTENT
    assert len(web.seen("/x")) > 1


def test_a_server_that_never_speaks(web, downloads):
    url = web.put("/x", CONTENT, cut=0, stall=1.5)
    fails(downloads, url, "no byte came for too long|broke off")


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_server_that_is_busy_for_a_while(web, downloads, status):
    url = web.put("/x", CONTENT, refuse=[status] * 2)
    assert downloads.get(url, RIGHT).read_bytes() == CONTENT


def test_a_server_that_stays_busy(web, downloads):
    url = web.put("/x", CONTENT, refuse=[503] * 99)
    fails(downloads, url, "answered 503 Service Unavailable, 3 times; run again later")
    assert len(web.seen("/x")) == 3


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_what_is_refused_is_not_asked_for_again(web, downloads, status):
    url = web.put("/x", CONTENT, refuse=[status] * 9)
    fails(downloads, url, f"answered {status} ")
    assert len(web.seen("/x")) == 1


def test_wrong_bytes_are_never_kept(web, downloads):
    url = web.put("/x", CONTENT[:-1] + b"!")
    fails(downloads, url, rf"expected sha256 {RIGHT}, found \w{{64}} \(102400 bytes\)")
    assert left(downloads) == set()


def test_a_web_page_in_place_of_the_file_is_called_so(web, downloads):
    url = web.put("/x", "<html>Please log in", kind="text/html; charset=utf-8")
    fails(downloads, url, "19 bytes, a web page")


def test_redirects_are_followed(web, downloads):
    url = web.put("/x", location="/y")
    web.put("/y", location=web.put("/z", CONTENT))
    assert downloads.get(url, RIGHT).read_bytes() == CONTENT


def test_redirects_that_lead_nowhere(web, downloads):
    fails(downloads, web.put("/x", location="/x"), "redirected in circles")
    fails(downloads, web.put("/y", location="/gone"), "404")
    fails(downloads, web.put("/z", location="ftp://example.org/x"), "cannot be fetched")


def test_nobody_listens(downloads, free_port):
    fails(downloads, f"http://127.0.0.1:{free_port}/x", "no connection .*refused.*3 times")


def test_what_comes_in_chunks_and_is_cut_off(web, downloads):
    url = web.put("/x", CONTENT, chunked=True, cut=50000)
    assert downloads.get(url, RIGHT).read_bytes() == CONTENT


def test_a_password_comes_from_the_home_folder(web, downloads, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    url = web.put("/x", CONTENT, password="me:secret")
    fails(downloads, url, "answered 401")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    assert downloads.get(url, RIGHT).read_bytes() == CONTENT


MISBEHAVIOUR = {
    "ranges": st.booleans(),
    "cut": st.none() | st.integers(0, 120_000),
    "refuse": st.lists(st.sampled_from([404, 429, 500, 503]), max_size=4),
    "length": st.booleans(),
    "chunked": st.booleans(),
    "shift": st.sampled_from([0, 0, 0, 1, 20_000]),
    "content": st.sampled_from([CONTENT, CONTENT, CONTENT[:-1], CONTENT + b"x", b""]),
}


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(how=st.fixed_dictionaries(MISBEHAVIOUR), beginning=st.integers(-100, 120_000))
def test_whatever_a_server_does_the_file_is_right_or_not_there(web, tmp_path, how, beginning):
    """And an error says why, and a server that behaves again is enough to mend it."""
    patience = Patience(attempts=3, pause=0.0, timeout=1)
    downloads = Downloads(Path(tempfile.mkdtemp(dir=tmp_path)), patience)
    if beginning >= 0:
        (downloads.folder / f"{RIGHT}.part").write_bytes((b"?" + CONTENT[1:] * 2)[:beginning])
    url = web.put("/x", **how)
    try:
        assert downloads.get(url, RIGHT).read_bytes() == CONTENT
    except UserError as error:
        assert url in str(error) and "\n" not in str(error)
        assert not downloads.place(RIGHT).exists()
    web.put("/x", CONTENT)
    assert downloads.get(url, RIGHT).read_bytes() == CONTENT


FETCH = """
import sys
from pathlib import Path
from rawtone.corpus.downloads import Downloads
Downloads(Path(sys.argv[1])).get(sys.argv[2], sys.argv[3])
"""


def test_a_killed_download_goes_on(web, downloads):
    url = web.put("/x", CONTENT, pause=0.1)
    command = [sys.executable, "-c", FETCH, str(downloads.folder), url, RIGHT]
    process = subprocess.Popen(command)
    part, deadline = downloads.folder / f"{RIGHT}.part", time.monotonic() + 60
    while not (part.exists() and part.stat().st_size):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    web.resources["/x"].pause = 0
    assert not downloads.has(RIGHT)
    assert downloads.get(url, RIGHT).read_bytes() == CONTENT
    assert web.seen("/x")[1] == f"bytes={web.seen('/x')[1][6:-1]}-" != "bytes=0-"


def test_two_at_once_fetch_once(web, downloads):
    url = web.put("/x", CONTENT, pause=0.02)
    command = [sys.executable, "-c", FETCH, str(downloads.folder), url, RIGHT]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert web.seen("/x") == [None] and files.sha256(downloads.place(RIGHT)) == RIGHT


def test_what_is_said_of_a_file_may_be_lost(web, downloads):
    downloads.get(web.put("/x", CONTENT), RIGHT)
    (downloads.folder / f"{RIGHT}.json").write_text(json.dumps({})[:1])
    assert downloads.said(RIGHT) == {}
