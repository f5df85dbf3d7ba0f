"""Engines go on after any block, from a state that was written down, and follow schedules."""

import io
from pathlib import Path

import numpy as np
import pytest

from rawtone.audio import quantizers
from rawtone.model_settings import WaveNet
from rawtone.models import backend
from rawtone.models.family import Audio, Family

backend.start()

from rawtone.generation.engine import Engine, generate  # noqa: E402
from rawtone.generation.engines import make  # noqa: E402
from rawtone.generation.keeping import Partial  # noqa: E402
from rawtone.generation.loop import Loop  # noqa: E402
from rawtone.generation.streams import Stream  # noqa: E402
from rawtone.models.families import build  # noqa: E402

RATE = 4000
SIZES = WaveNet(
    family="wavenet",
    dilations=[1, 2, 4],
    filter_width=2,
    residual_channels=4,
    dilation_channels=4,
    skip_channels=8,
    biases=True,
    global_channels=3,
)
MORPH = ((0.5, 0), (1.5, 1))
STREAMS = [
    Stream(1, 1.0),
    Stream(2, ((0.0, 1.2), (1.0, 0.5)), label=1),
    Stream(3, 0.9, label=MORPH),
    Stream(4, 1.0, top_p=0.7),
]


@pytest.fixture(scope="module")
def model() -> Family:
    """Return a model with large random weights, so that what it is told shows."""
    model = build(SIZES, Audio(quantizers.make("mu-law", 64), labels=2), seed=1)
    random = np.random.default_rng(1)
    for variable in model.variables:
        variable.assign(random.normal(size=variable.shape, scale=0.7))
    return model


@pytest.fixture(scope="module", params=["loop", "kernel"])
def engine(request: pytest.FixtureRequest, model: Family) -> Engine:
    return make(model, RATE, request.param)


def codes(engine: Engine, streams: list[Stream], samples: int = 7000) -> np.ndarray:
    return np.concatenate([part.codes for part in generate(engine, streams, samples)], axis=1)


def written(state: list[object]) -> list[np.ndarray]:
    """Write a state down and read it again, as another process would."""
    file = io.BytesIO()
    np.savez(file, *[np.asarray(each) for each in state])
    file.seek(0)
    with np.load(file) as archive:
        return [archive[f"arr_{index}"] for index in range(len(archive.files))]


def test_it_goes_on_to_the_same_codes_after_any_block(engine: Engine) -> None:
    whole = codes(engine, STREAMS)
    for part in generate(engine, STREAMS, 7000):
        resumed = written(part.state), part.end
        rest = [more.codes for more in generate(engine, STREAMS, 7000, resumed=resumed)]
        assert sum(block.shape[1] for block in rest) == 7000 - part.end
        if rest:
            np.testing.assert_array_equal(np.concatenate(rest, axis=1), whole[:, part.end :])


def test_a_stream_is_the_same_beside_others_of_other_schedules(engine: Engine) -> None:
    together = codes(engine, STREAMS)
    for lane, stream in enumerate(STREAMS):
        np.testing.assert_array_equal(codes(engine, [stream])[0], together[lane])


def test_a_schedule_that_stays_is_a_constant(engine: Engine) -> None:
    flat = Stream(1, ((0.0, 0.9), (1.0, 0.9)), label=((0.0, 1), (1.0, 1)))
    np.testing.assert_array_equal(codes(engine, [flat]), codes(engine, [Stream(1, 0.9, label=1)]))


def test_a_schedule_is_followed_from_its_first_sample_on(engine: Engine) -> None:
    constant, falls = Stream(5, 1.0), Stream(5, ((1.0, 1.0), (1.2, 0.0)))
    one, other = codes(engine, [constant, falls])
    np.testing.assert_array_equal(one[: RATE + 1], other[: RATE + 1])
    assert (one != other).any()
    # at temperature 0 the seed no longer matters, but what was heard before does
    np.testing.assert_array_equal(
        codes(engine, [Stream(5, ((0.0, 0.0), (1.0, 0.0)))]), codes(engine, [Stream(6, 0.0)])
    )


def test_a_morph_begins_as_one_label_and_ends_as_the_other(engine: Engine) -> None:
    begin = engine.block
    one, other, both = codes(engine, [Stream(3, 0.9, label=each) for each in (0, 1, MORPH)])
    np.testing.assert_array_equal(both[:begin], one[:begin])
    assert (both[2 * begin :] != one[2 * begin :]).any()
    assert (one != other).any()


def test_a_state_that_is_not_on_the_grid_of_blocks_is_refused(engine: Engine) -> None:
    part = next(generate(engine, STREAMS, 300))
    with pytest.raises(ValueError, match="multiple of"):
        next(generate(engine, STREAMS, 700, resumed=(part.state, part.end)))


def test_top_p_of_values_is_refused() -> None:
    sizes = SIZES.model_copy(update={"global_channels": None})
    table = sizes.model_dump() | {"output": {"kind": "logistics", "components": 2}}
    model = build(WaveNet.model_validate(table), Audio(quantizers.make("mu-law", 64)))
    with pytest.raises(ValueError, match="expected top_p 1 with logistics"):
        next(generate(Loop(model, RATE), [Stream(0, 1.0, top_p=0.5)], 10))


def test_what_was_written_is_found_whole_or_not_at_all(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    codec, kept = quantizers.make("mu-law", 64), 2 * engine.block
    partial = Partial(tmp_path / "batch", len(STREAMS), codec, 1)
    assert partial.found() is None
    with partial.writing(None) as writer:
        for part in generate(engine, STREAMS, 7000):  # whose states are used up as it goes on
            writer.write(part)
            if part.end == kept:
                writer.save(part.state, part.end)
    saved = partial.found()
    assert saved is not None
    assert saved.end == kept
    with partial.writing(saved) as writer:
        for part in generate(engine, STREAMS, 7000, resumed=(saved.state, saved.end)):
            writer.write(part)
    heard = [np.frombuffer(file.read_bytes(), "<i2") for file in partial.files]
    expected = np.round(codec.decode(codes(engine, STREAMS)) * 32767)
    np.testing.assert_array_equal(heard, expected)
    partial.files[1].write_bytes(b"\0" * 20000)
    assert partial.found() is None
    assert "damaged" in caplog.text
    partial.files[1].write_bytes(b"")
    assert partial.found() is None
