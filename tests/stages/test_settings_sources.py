"""What a source may be is checked before anything runs, in words that say what to do."""

from pathlib import Path

import pytest
import yaml

from rawtone.errors import UserError
from rawtone.stages import layout, settings

SUM = "0123456789abcdef" * 4
URL = "https://example.org/a.zip"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ({}, "exactly one of 'demo', 'folder', 'url', 'page', 'corpus', found none"),
        ({"demo": "sine", "folder": "x"}, "exactly one of .*, found 'demo' and 'folder'"),
        ({"url": URL}, "expected 'sha256' beside 'url', .*, found none"),
        ({"url": URL, "sha256": "12"}, "expected 'sha256' beside 'url', .*, found '12'"),
        ({"url": URL, "sha256": SUM + "\n"}, "expected 'sha256'"),
        ({"page": URL, "sha256": SUM}, "'sha256' belongs to url, not to page"),
        ({"folder": "x", "look": 2}, "'look' belongs to page, not to folder"),
        ({"demo": "sine", "licence": "x"}, "'licence' belongs to folder or url or page, not to"),
        ({"page": URL, "look": 0}, "greater than or equal to 1, found 0"),
        ({"url": "file:///etc/passwd", "sha256": SUM}, "expected an address as https://host/path"),
        ({"page": "example.org"}, "expected an address as https://host/path, found 'example.org'"),
        ({"page": "https://me:secret@host/x"}, "without user and password"),
        ({"corpus": "demp"}, r"\.corpus: no corpus 'demp'; did you mean 'demo'\?"),
        ({"corpus": "mine"}, "expected a corpus that does not lead back, found mine -> mine"),
        ({"uri": URL}, "unknown key 'uri'; did you mean 'url'"),
    ],
)
def test_a_source_that_cannot_work(project, source, why):
    corpora = {
        "mine": {"sources": [source]},
        "demo": {"sources": [{"demo": "sine"}]},
    }
    experiments = {"mine": {"corpus": "mine", "preset": "wavenet-demo"}}
    table = {"corpora": corpora, "experiments": experiments}
    Path("params.yaml").write_text(yaml.safe_dump(table))
    with pytest.raises(UserError, match=rf"corpora\.mine\.sources\.0.*{why}") as raised:
        settings.run()
    assert "\n" not in str(raised.value) and "secret" not in str(raised.value)


def test_corpora_that_lead_back_to_each_other(project):
    corpora = {"one": {"sources": [{"corpus": "two"}]}, "two": {"sources": [{"corpus": "one"}]}}
    experiments = {"mine": {"corpus": "one", "preset": "wavenet-demo"}}
    Path("params.yaml").write_text(yaml.safe_dump({"corpora": corpora, "experiments": experiments}))
    with pytest.raises(UserError, match="does not lead back, found one -> two -> one"):
        settings.run()


@pytest.mark.parametrize("folder", ["music", "music/", "music/album"])
def test_a_folder_that_dvc_has_not_brought(project, write_params, folder):
    Path("music.dvc").write_text("outs: []\n")
    write_params(sources=[{"folder": folder}])
    with pytest.raises(UserError, match=rf"no such folder: {folder}; run: dvc pull music\.dvc$"):
        settings.run()


def test_a_page_shows_its_look_and_strictness_only_where_it_matters(recordings, write_params):
    write_params(sources=[{"page": URL}])
    settings.run()
    assert layout.read_settings("fetch", "mine") == {"sources": [{"page": URL, "look": 1}]}
    write_params(sources=[{"page": URL, "look": 3}], strict=True)
    settings.run()
    assert layout.read_settings("fetch", "mine") == {
        "sources": [{"page": URL, "look": 3}],
        "strict": True,
    }
    write_params(strict=True)
    settings.run()
    assert set(layout.read_settings("fetch", "mine")) == {"sources"}


def test_a_mix_is_the_sources_of_both(recordings, project):
    sources = {"one": [{"demo": "sine"}], "two": [{"folder": "music", "licence": "CC0"}]}
    corpora = {name: {"sources": found} for name, found in sources.items()}
    corpora["mine"] = {"sources": [{"corpus": "two"}, {"corpus": "one"}]}
    experiments = {"mine": {"corpus": "mine", "preset": "wavenet-demo"}}
    Path("params.yaml").write_text(yaml.safe_dump({"corpora": corpora, "experiments": experiments}))
    settings.run()
    one, two = (layout.read_settings("fetch", name)["sources"] for name in ("one", "two"))
    assert layout.read_settings("fetch", "mine")["sources"] == two + one
    assert two[0]["licence"] == "CC0"
