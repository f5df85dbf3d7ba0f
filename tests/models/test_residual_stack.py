"""WaveNet's residual blocks by kernels of our own: the same function, the same gradients."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rawtone.audio import quantizers
from rawtone.model_settings import WaveNet
from rawtone.models import backend
from rawtone.models.family import Audio

backend.start()

import tensorflow as tf  # noqa: E402

from rawtone.models import residual_stack  # noqa: E402
from rawtone.models.families import build  # noqa: E402

SMALL = {
    "family": "wavenet",
    "dilations": [1, 4, 2],
    "filter_width": 2,
    "residual_channels": 16,
    "dilation_channels": 16,
    "skip_channels": 5,
    "biases": True,
}


def model(seed: int = 0, **changed: Any) -> Any:
    """Return a model with kernels, none of whose weights is zero."""
    sizes = WaveNet.model_validate(SMALL | changed)
    if not residual_stack.fits(sizes, "float32"):
        pytest.skip("needs a CPU with AVX-512, no GPU, and the TensorFlow backend")
    made = build(sizes, Audio(quantizers.make("mu-law", 256), labels=3), seed)
    made.prepare(1, 100_000)
    random = np.random.default_rng(seed)
    for variable in made.weights:
        variable.assign(random.normal(size=variable.shape, scale=0.3))
    return made


def learned(model: Any, codes: Any, labels: Any = None) -> list[Any]:
    """Return the features, and the gradients of something that is not linear in them."""
    with tf.GradientTape() as tape:
        features, _ = model(codes, (), labels)
        loss = tf.reduce_sum(tf.sin(features))
    variables = [variable.value for variable in model.trainable_variables]
    found = tape.gradient(loss, variables, unconnected_gradients="zero")
    return [np.asarray(tf.convert_to_tensor(part)) for part in (features, *found)]


def heard(model: Any, batch: int, scored: int, seed: int = 1) -> Any:
    """Return codes of which so many are followed by something scored."""
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (batch, model.settings.context + scored - 1)).astype("int32")


@settings(max_examples=8, deadline=None)
@given(
    changed=st.fixed_dictionaries(
        {
            "dilations": st.lists(st.integers(1, 70), min_size=1, max_size=4),
            "filter_width": st.integers(2, 4),
            "residual_channels": st.sampled_from([16, 32, 48]),
            "dilation_channels": st.sampled_from([16, 32, 80]),
            "biases": st.booleans(),
            "scalar_input": st.booleans(),
            "global_channels": st.sampled_from([None, 3]),
        }
    ),
    batch=st.integers(1, 3),
    scored=st.sampled_from([1, 7, 130, 1100]),
)
def test_features_and_gradients_are_those_of_the_plain_form(
    changed: dict[str, Any], batch: int, scored: int
) -> None:
    """Over widths, channels, labels, batches, and windows shorter and longer than a chunk."""
    with_kernels = model(**changed)
    codes, labels = heard(with_kernels, batch, scored), np.arange(batch, dtype="int32")
    found = learned(with_kernels, codes, labels)
    with_kernels.stack = None
    for ours, plain in zip(found, learned(with_kernels, codes, labels), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-4, atol=2e-5 * np.abs(plain).max())


def test_bits_do_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    stack, random = model().stack, np.random.default_rng(0)
    shapes = [(2, 3007, 16), (3, 2, 16, 32), (3, 2, 32), (3, 16, 16), (3, 16)]
    x, kernels, biases, dense, dense_bias = (
        random.normal(size=shape, scale=0.3).astype("float32") for shape in shapes
    )
    results = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(backend, "threads", lambda threads=threads: threads)
        gated, *kept = stack.forward(x, kernels, biases, dense, dense_bias, 3000)
        found = stack.backward(gated, x, *kept, kernels, dense)
        results.append([gated.copy(), *(part.copy() for part in found)])
    for others in results[1:]:
        for first, other in zip(results[0], others, strict=True):
            np.testing.assert_array_equal(first, other)


def test_gradients_may_be_asked_for_twice() -> None:
    """What the way forward left behind is not used up by the way back."""
    one = model()
    codes = heard(one, 1, 200)
    with tf.GradientTape(persistent=True) as tape:
        loss = tf.reduce_sum(tf.sin(one(codes)[0]))
    variables = [variable.value for variable in one.blocks[0].trainable_variables]
    first, second = tape.gradient(loss, variables), tape.gradient(loss, variables)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_memory_is_used_again_once_nobody_needs_it() -> None:
    memory = residual_stack.Memory()
    first = memory.take(3, 5)
    place = first.ctypes.data
    assert place % 64 == 0
    second = memory.take(3, 5)
    assert second.ctypes.data != place
    view = first[1:]
    del first
    assert memory.take(3, 5).ctypes.data != place
    del view
    assert memory.take(3, 5).ctypes.data == place


@pytest.mark.parametrize("changed", [{"residual_channels": 24}, {"dilation_channels": 5}])
def test_channels_that_fill_no_register_take_the_plain_form(changed: dict[str, Any]) -> None:
    assert not residual_stack.fits(WaveNet.model_validate(SMALL | changed), "float32")


def test_other_precisions_take_the_plain_form() -> None:
    assert not residual_stack.fits(WaveNet.model_validate(SMALL), "bfloat16")


def test_small_batches_are_left_to_xla() -> None:
    """They gain nothing by kernels; XLA compiles all of their step."""
    sizes = WaveNet.model_validate(SMALL)
    small = build(sizes, Audio(quantizers.make("mu-law", 256)), 0)
    small.prepare(1, 4096)
    assert (small.stack, small.jit) == (None, True)
