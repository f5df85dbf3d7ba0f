"""Recurrent layers: what Keras's compute, in two forms, from any state, with right gradients."""

import keras
import numpy as np
import pytest
from keras import ops

from rawtone.models import backend

backend.start()

from rawtone.models.matrices import Linear  # noqa: E402
from rawtone.models.recurrent import Recurrent, Stack  # noqa: E402

KINDS = ("gru", "gru_reset_before", "lstm", "lstm_sigmoid", "lstm_relu", "lstm_selu")
INPUTS, UNITS, BATCH, TIME = 3, 4, 2, 5


def drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32") * 0.7


def randomize(layer: keras.layers.Layer) -> None:
    for index, variable in enumerate(layer.trainable_variables):
        variable.assign(drawn(index, *variable.shape))


def theirs(kind: str, ours: Recurrent) -> keras.layers.Layer:
    """Return Keras's layer with the weights of ours."""
    options = {"return_sequences": True, "return_state": True}
    if kind.startswith("lstm"):
        activation = kind.removeprefix("lstm").strip("_") or "tanh"
        layer = keras.layers.LSTM(UNITS, activation=activation, **options)
    else:
        layer = keras.layers.GRU(UNITS, reset_after=kind == "gru", **options)
    layer.build((None, TIME, INPUTS))
    bias = np.asarray(ours.bias.value)
    if kind == "gru":
        bias = np.stack([bias, np.asarray(ours.recurrent_bias.value)])
    layer.set_weights([ours.kernel.value(), ours.recurrent.value(), bias])
    return layer


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight_norm", [False, True])
def test_a_layer_computes_what_keras_computes_from_a_given_state(
    kind: str, weight_norm: bool
) -> None:
    ours = Recurrent(kind, INPUTS, UNITS, "rnn", weight_norm)
    randomize(ours)
    x, state = drawn(7, BATCH, TIME, INPUTS), drawn(8, BATCH, ours.state_size)
    outputs, after = ours.sequence(x, state)
    parts = np.split(state, 2, axis=-1) if kind.startswith("lstm") else [state]
    expected, *left = theirs(kind, ours)(x, initial_state=[ops.array(part) for part in parts])
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    np.testing.assert_allclose(after, np.concatenate(left, axis=-1), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("weight_norm", [False, True])
def test_stepping_is_going_through_the_sequence(kind: str, shared: bool, weight_norm: bool) -> None:
    stack = Stack(kind, INPUTS, UNITS, 3, "rnn", weight_norm, 0.5, shared)
    randomize(stack)
    x = drawn(7, BATCH, TIME, INPUTS)
    state = tuple(drawn(k, *zeros.shape) for k, zeros in enumerate(stack.initial_state(BATCH)))
    together, after = stack.sequence(x, state)
    for time in range(TIME):
        outputs, state = stack.step(x[:, time], state)
        for layer, output in enumerate(outputs):
            np.testing.assert_allclose(output, together[layer][:, time], atol=1e-6)
    for one, other in zip(state, after, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_through_time_are_those_of_single_steps(kind: str) -> None:
    """They are written by hand, the gradients of steps are the backend's."""
    import tensorflow as tf

    stack = Stack(kind, INPUTS, UNITS, 2, "rnn", weight_norm=True, shared_inputs=True)
    randomize(stack)
    x = tf.constant(drawn(7, BATCH, TIME, INPUTS))
    first = tuple(
        tf.constant(drawn(k, *zeros.shape)) for k, zeros in enumerate(stack.initial_state(BATCH))
    )
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, *first])
        together, after = stack.sequence(x, first)
        whole = sum(ops.sum(ops.sin(y)) for y in [*together, *after])
        stepped, state = 0.0, first
        for time in range(TIME):
            outputs, state = stack.step(x[:, time], state)
            stepped += sum(ops.sum(ops.sin(y)) for y in outputs)
        stepped += sum(ops.sum(ops.sin(y)) for y in state)
    sources = [x, *first, *[v.value for v in stack.trainable_variables]]
    both = zip(tape.gradient(whole, sources), tape.gradient(stepped, sources), strict=True)
    for one, other in both:
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("jit", [False, True])
def test_the_loop_has_a_gradient_with_and_without_xla(jit: bool) -> None:
    import tensorflow as tf

    stack = Stack("gru", INPUTS, UNITS, 2, "rnn")
    x = tf.constant(drawn(7, BATCH, TIME, INPUTS))

    def gradients() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            outputs, _ = stack.sequence(x, stack.initial_state(BATCH))
            loss = ops.sum(ops.sin(outputs[-1]))
        return list(tape.gradient(loss, [v.value for v in stack.trainable_variables]))

    for one, other in zip(gradients(), backend.compiled(gradients, jit)(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_dropout_drops_in_training_only_and_the_same_inputs_at_every_step() -> None:
    keras.utils.set_random_seed(0)
    stack = Stack("gru", INPUTS, UNITS, 1, "rnn", dropout=0.5)
    x = np.ones((8, TIME, INPUTS), "float32")
    state = stack.initial_state(8)
    evaluated = [np.asarray(stack.sequence(x, state)[0][0]) for _ in range(2)]
    trained = [np.asarray(stack.sequence(x, state, training=True)[0][0]) for _ in range(2)]
    np.testing.assert_array_equal(*evaluated)
    assert not np.array_equal(*trained)
    mask = np.asarray(stack._drop(ops.array(np.swapaxes(x, 0, 1)), training=True))
    assert {0.0, 2.0} == set(mask.ravel().tolist())
    assert (mask == mask[:1]).all()


def test_weight_normalization_begins_with_the_matrix_as_drawn() -> None:
    """And then scales each column to its gain."""
    layer = Linear(INPUTS, UNITS, "linear", normed=True)
    kernel = np.asarray(layer.kernel.weight.value)
    np.testing.assert_allclose(layer.kernel.value(), kernel, rtol=1e-6)
    layer.kernel.gain.assign(np.arange(UNITS))
    lengths = np.linalg.norm(np.asarray(layer.kernel.value()), axis=0)
    np.testing.assert_allclose(lengths, np.arange(UNITS), atol=1e-6)


def test_weights_have_paths_that_do_not_depend_on_what_was_built_before() -> None:
    paths = [
        [v.path for v in Stack("gru", INPUTS, UNITS, 2, "rnn", True, 0.5).variables]
        for _ in range(2)
    ]
    assert paths[0] == paths[1]
    assert len(set(paths[0])) == len(paths[0])
