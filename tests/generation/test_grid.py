"""The grid of clips: every one once, under a name of its own."""

import pytest

from rawtone.errors import UserError
from rawtone.generation.grid import grid
from rawtone.generation.streams import Stream
from rawtone.sampling_settings import Sampling

FALLS, MORPH = {0: 1.0, 10: 0.8}, {0: "jazz", 2.5: "rock"}


def asked(**keys: object) -> Sampling:
    table = {"seconds": 1.0, "temperatures": [1.0], "seeds": [0]}
    return Sampling.model_validate(table | keys)


def test_all_labels_temperatures_and_seeds() -> None:
    clips = grid(asked(temperatures=[0.9, 1.0], seeds=[3, 4]), ["jazz", "rock"])
    names = ["jazz-t0.90-s3", "jazz-t0.90-s4", "jazz-t1.00-s3", "jazz-t1.00-s4"]
    assert [clip.stem for clip in clips] == names + [name.replace("jazz", "rock") for name in names]
    assert clips[-1].stream == Stream(4, 1.0, 1)
    assert clips[-1].told == {"label": "rock", "temperature": 1.0, "seed": 4}


def test_schedules_and_morphs_are_told_in_words_and_points() -> None:
    one, other = grid(
        asked(temperatures=[FALLS], labels=[MORPH, "rock"], top_p=0.9), ["jazz", "rock"]
    )
    assert one.stream == Stream(0, ((0.0, 1.0), (10.0, 0.8)), ((0.0, 0), (2.5, 1)), 0.9)
    assert one.stem == "jazz-at-0-s-to-rock-at-2-5-s-t1.00-at-0-to-0.80-at-10-s0"
    assert one.told == {
        "label": "jazz at 0 s to rock at 2.5 s",
        "label_schedule": MORPH,
        "temperature": "1 at 0 s to 0.8 at 10 s",
        "temperature_schedule": FALLS,
        "seed": 0,
    }
    assert other.stem == "rock-t1.00-at-0-to-0.80-at-10-s0"


def test_long_schedules_have_names_of_their_own_that_a_disk_takes() -> None:
    long = [
        {second: 1.0 + last / 10 if second == 99 else 1.0 for second in range(100)}
        for last in (1, 2)
    ]
    one, other = grid(asked(temperatures=long), [])
    assert one.stem != other.stem
    assert len(one.stem) < 60


@pytest.mark.parametrize("label", ["hihg", {0: "high", 1: "hihg"}])
def test_an_unknown_label_is_refused_with_those_there_are(label: object) -> None:
    with pytest.raises(
        UserError, match=r"no label 'hihg'; did you mean 'high'\? It has: high, low"
    ):
        grid(asked(labels=[label]), ["high", "low"])
