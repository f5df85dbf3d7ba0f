"""The table `sampling`: schedules, what cannot work is one line, and old clips stay as they are."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from rawtone import params
from rawtone.errors import UserError
from rawtone.sampling_settings import Sampling
from rawtone.stages import layout, settings

SMALL = {"seconds": 1.0, "temperatures": [1.0], "seeds": [0]}


def write(model: dict[str, Any] | None = None, **sampling: Any) -> None:
    mine = {
        "corpus": "demo",
        "preset": "wavenet-demo",
        "model": model or {},
        "sampling": SMALL | sampling,
    }
    table = {"corpora": {"demo": {"sources": [{"demo": "sine"}]}}, "experiments": {"mine": mine}}
    Path("params.yaml").write_text(yaml.safe_dump(table))


def test_schedules_are_read_again_as_they_were_written(project: Path) -> None:
    """JSON has texts for keys; and seconds are in order, however they were given."""
    labels = {"global_channels": 2}
    write(labels, temperatures=[1, {10: 0.8, 0: 1}], labels=["a", {0: "a", 2.5: "b"}])
    settings.run()
    sampling = Sampling(**layout.read_settings("sample", "mine")["sampling"])
    assert sampling == params.resolve().experiments["mine"].sampling
    assert sampling.temperatures == [1.0, {0.0: 1.0, 10.0: 0.8}]
    assert sampling.labels == ["a", {0.0: "a", 2.5: "b"}]
    assert list(sampling.temperatures[1]) == [0.0, 10.0]  # type: ignore[arg-type]


def test_settings_say_nothing_of_new_keys_at_what_was_always_so(project: Path) -> None:
    write(top_p=1, engine="auto", precision="float32", formats=["mp3"])
    settings.run()
    assert layout.read_settings("sample", "mine")["sampling"] == SMALL | {"labels": "all"}
    write(top_p=0.9, engine="kernel", precision="int8", formats=["flac", "ogg"])
    settings.run()
    told = {"labels": "all", "top_p": 0.9, "engine": "kernel", "precision": "int8"}
    told["formats"] = ["flac", "ogg"]
    assert layout.read_settings("sample", "mine")["sampling"] == SMALL | told


def test_a_prime_says_only_that_it_is_kept(project: Path) -> None:
    Path("prime.wav").write_bytes(b"any")
    for keep in (False, True):
        write(prime={"recording": "prime.wav", "keep": keep})
        settings.run()
        prime = layout.read_settings("sample", "mine")["sampling"]["prime"]
        assert ("keep" in prime) is keep


MISTAKES = [
    ({"temperatures": [-1]}, r"temperatures\.0: expected a number from 0 on, found -1"),
    ({"temperatures": [True]}, r"temperatures\.0: expected a number from 0 on, found True"),
    ({"temperatures": ["hot"]}, r"temperatures\.0: expected a number from 0 on, found 'hot'"),
    ({"temperatures": [{0: 1}]}, r"at two seconds or more, as in \{0: 1\.0, 10: 0\.8\}, found"),
    ({"temperatures": [{-1: 1, 2: 1}]}, r"expected seconds from 0 on, found -1"),
    ({"temperatures": [{0: 1, "x": 1}]}, r"expected seconds from 0 on, found 'x'"),
    ({"temperatures": [{0: 1, 9: -1}]}, r"expected a number from 0 on, found -1"),
    ({"temperatures": [{0: 1, 9: 2}, {9.0: 2.0, 0.0: 1.0}]}, r"expected no value twice"),
    ({"top_p": 0}, r"sampling\.top_p: expected greater than 0, found 0"),
    ({"top_p": 1.01}, r"sampling\.top_p: expected less than or equal to 1, found 1\.01"),
    ({"engine": "fast"}, r"sampling\.engine: expected 'auto', 'kernel' or 'loop', found 'fast'"),
    ({"engine": "loop", "precision": "int8"}, r"expected precision float32 with engine loop"),
    ({"formats": ["wma"]}, r"sampling\.formats\.0: expected 'mp3', 'flac' or 'ogg', found 'wma'"),
    ({"formats": ["mp3", "mp3"]}, r"expected no value twice"),
    ({"labels": [{0: "a", 1: "b"}]}, r"sampling\.labels: expected none, as the model is told no"),
]


@pytest.mark.parametrize(("sampling", "line"), MISTAKES)
def test_what_cannot_work_is_one_line(project: Path, sampling: dict[str, Any], line: str) -> None:
    write(**sampling)
    with pytest.raises(UserError, match=line) as raised:
        params.resolve()
    assert "\n" not in str(raised.value)


def test_top_p_of_values_is_refused(project: Path) -> None:
    write({"output": {"kind": "logistics", "components": 2}}, top_p=0.9)
    with pytest.raises(UserError, match=r"top_p: expected 1 with model\.output\.kind logistics"):
        params.resolve()
    write({"output": {"kind": "two_stage", "hidden": 4}}, top_p=0.9)
    params.resolve()
