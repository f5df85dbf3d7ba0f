"""The trainer: what makes a step, what is published, and all that must survive a restart."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from rawtone.errors import UserError
from rawtone.models import backend
from rawtone.training.batches import Batch
from rawtone.training.checkpoints import Arrays
from tests import trainings

backend.start()

from rawtone.models.heads import Categorical  # noqa: E402
from rawtone.training.optimizers import Accumulating  # noqa: E402
from rawtone.training.trainer import Trainer  # noqa: E402

LEVELS, CONTEXT, WINDOW = 8, 3, 16
# Everything at once that a state must hold.
RICH = {"accumulate": 2, "ema": 0.9, "precision": "mixed_float16"}


class Forgetful(keras.Model):
    """Has what is easily lost: noise of two generators, and a state carried from batch to batch."""

    jit = True

    def __init__(self, policy: str, noise: float) -> None:
        super().__init__(name="forgetful", dtype=policy)
        self.head = Categorical(LEVELS)
        self.embed = keras.layers.Embedding(LEVELS, 6, name="embed", dtype=policy)
        self.drops = [
            keras.layers.Dropout(noise, seed=s, name="drop", dtype=policy) for s in (1, 2)
        ]
        self.dense = keras.layers.Dense(LEVELS, name="head", dtype=policy)
        self.embed.build((None, None))
        self.dense.build((None, None, 6))
        self.built = True
        self.noise = noise
        self.traced = 0

    def prepare(self, batch: int, window: int) -> None:
        """Compute all batches in one way."""

    def initial_carry(self, batch: int) -> Any:
        """Return what a chunk begins with."""
        return (ops.zeros((batch, 6)),)

    def call(self, codes: Any, carry: Any, _: Any, training: bool = False) -> Any:
        """Predict the sample after each, of the two heard last."""
        self.traced += 1
        x = self.embed(codes)
        x = x[:, CONTEXT - 1 :] + 0.5 * x[:, CONTEXT - 2 : -1]
        for drop in self.drops:
            x = drop(x, training=training)
        carried = ops.cast(carry[0], x.dtype)
        left = 0.9 * carried + 0.1 * ops.mean(x, axis=1)
        features = self.dense(x + self.noise * carried[:, None])
        return ops.cast(features, "float32"), (ops.cast(left, "float32"),)


def trainer(noise: float = 0.3, **changed: object) -> Trainer:
    """Return a new trainer, as a new process would build it."""
    ours = {"batch_size": 2, "window": WINDOW, "learning_rate": 0.05}
    training = trainings.plain(**ours | changed)
    keras.utils.set_random_seed(training.seed)
    return Trainer(Forgetful(training.precision, noise), training)


def batch(index: int, size: int = 2) -> Batch:
    """Return windows of a scale, whose first is shorter than the others."""
    random = np.random.default_rng(index)
    codes = (np.arange(CONTEXT + WINDOW) + random.integers(0, LEVELS, (size, 1))) % LEVELS
    weights = np.ones((size, WINDOW), dtype=np.float32)
    weights[0, 3 + index % 9 :] = 0
    codes, fresh = codes.astype(np.int32), np.full(size, index % 5 == 0)
    return Batch(codes[:, :-1], codes[:, CONTEXT:], weights, np.zeros(size, np.int32), fresh)


def joined(batches: list[Batch]) -> Batch:
    """Return one batch of the windows of several."""
    names = ("codes", "targets", "weights", "labels", "fresh")
    return Batch(*(np.concatenate([getattr(b, name) for b in batches]) for name in names))


def train(trained: Trainer, steps: range, accumulate: int = 1) -> list[float]:
    """Make steps, each from its own batches at its own rate, and return their losses."""
    return [
        trained.update(
            [batch(step * accumulate + k) for k in range(accumulate)], 0.05 / (1 + step / 20)
        )
        for step in steps
    ]


def assert_same(left: Arrays, right: Arrays) -> None:
    """Require the same arrays, to the byte."""
    assert left.keys() == right.keys()
    for name in left:
        assert left[name].dtype == right[name].dtype, name
        assert left[name].tobytes() == right[name].tobytes(), name


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
def test_accumulated_batches_make_the_step_of_one_large_batch(optimizer: str) -> None:
    """Also where a batch has fewer samples to score, and where the mean gradient is clipped."""
    settings = {"optimizer": optimizer, "clip_norm": 0.05, "noise": 0.0}
    small, large = trainer(accumulate=3, **settings), trainer(batch_size=6, **settings)
    for step in range(4):
        batches = [batch(3 * step + k) for k in range(3)]
        losses = small.update(batches, 0.02), large.update([joined(batches)], 0.02)
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    weights = large.weights()
    for path, array in small.weights().items():
        np.testing.assert_allclose(array, weights[path], atol=2e-4, err_msg=path)
    assert int(small.optimizer.iterations) == int(large.optimizer.iterations) == 4


@pytest.mark.parametrize("accumulate", [1, 2])
def test_gradients_are_clipped_by_their_common_norm(accumulate: int) -> None:
    trained = trainer(optimizer="sgd", momentum=0.0, clip_norm=1e-3, accumulate=accumulate)
    before = [v.numpy() for v in trained.model.trainable_variables]
    train(trained, range(1), accumulate)
    after = [v.numpy() for v in trained.model.trainable_variables]
    moved = sum(float(((a - b) ** 2).sum()) for a, b in zip(after, before, strict=True))
    assert np.sqrt(moved) == pytest.approx(1e-3 * 0.05, rel=1e-2)


def test_the_learning_rate_is_that_of_the_step() -> None:
    trained = trainer()
    before = trained.weights()["embed/embeddings"]
    trained.update([batch(0)], 0.0)
    np.testing.assert_array_equal(trained.weights()["embed/embeddings"], before)
    trained.update([batch(0)], 0.01)
    assert np.abs(trained.weights()["embed/embeddings"] - before).max() > 0.001


def test_the_loss_is_the_mean_of_the_scored_samples_before_the_step() -> None:
    trained = trainer(noise=0.0, accumulate=2)
    batches = [batch(1), batch(5)]
    expected = trained.validate(batches)
    assert expected == pytest.approx(np.log(LEVELS), rel=0.1)
    assert trained.update(batches, 0.01) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_published_weights_are_the_moving_average(accumulate: int) -> None:
    trained = trainer(ema=0.4, accumulate=accumulate)
    average = trained.model.embed.embeddings.numpy()
    for step in range(8):
        train(trained, range(step, step + 1), accumulate)
        m = np.float32(min(0.4, (1 + step) / (10 + step)))
        average = m * average + (1 - m) * trained.model.embed.embeddings.numpy()
    published = trained.weights()["embed/embeddings"]
    np.testing.assert_allclose(published, average, rtol=1e-5, atol=1e-7)
    assert not np.allclose(published, trained.model.embed.embeddings.numpy(), atol=1e-4)


def test_validation_hears_the_averaged_weights() -> None:
    averaged, plain = trainer(ema=0.99, noise=0.0), trainer(noise=0.0)
    for trained in (averaged, plain):
        train(trained, range(5))
    for variable in plain.model.weights:
        variable.assign(averaged.weights()[variable.path])
    assert averaged.validate([batch(7)]) == pytest.approx(plain.validate([batch(7)]), rel=1e-6)


@pytest.mark.parametrize("settings", [{}, RICH])
def test_validating_and_publishing_change_nothing(settings: dict[str, Any]) -> None:
    alone, disturbed = trainer(**settings), trainer(**settings)
    for step in range(4):
        for trained in (alone, disturbed):
            train(trained, range(step, step + 1), settings.get("accumulate", 1))
        disturbed.validate([batch(90), batch(91)])
        disturbed.weights()
        disturbed.state()
    assert_same(alone.state(), disturbed.state())


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimizer": "adamw", "precision": "mixed_bfloat16"},
        {"optimizer": "sgd", "accumulate": 3},
        {"optimizer": "rmsprop", "ema": 0.9},
        RICH,
    ],
)
def test_a_new_trainer_goes_on_from_a_state_to_the_same_bytes(settings: dict[str, Any]) -> None:
    accumulate = settings.get("accumulate", 1)
    whole, resumed = trainer(**settings), trainer(**settings)
    train(whole, range(3), accumulate)
    state = whole.state()
    losses = train(whole, range(3, 6), accumulate)
    train(resumed, range(2), accumulate)  # whatever it was before is forgotten
    resumed.restore(state)
    assert train(resumed, range(3, 6), accumulate) == losses
    assert_same(resumed.state(), whole.state())
    assert_same(resumed.weights(), whole.weights())


def test_the_state_holds_noise_and_carried_state_and_no_metrics() -> None:
    trained = trainer()
    seeds = [v for v in trained.model.variables if "seed" in v.path]
    assert len(seeds) == 2
    held = trained.state()
    assert len([name for name in held if name.startswith("model/")]) == 3 + 1 + 2
    train(trained, range(1))
    for variable in [*seeds, *trained.learner.carry]:
        index = [id(v) for v in trained.learner.variables].index(id(variable))
        name = f"model/{index:04d}"
        assert not np.array_equal(held[name], trained.state()[name])


def test_published_are_weights_without_slots_seeds_and_metrics() -> None:
    trained = trainer(**RICH)
    weights = trained.weights()
    assert sorted(weights) == [
        "embed/embeddings",
        "head/bias",
        "head/kernel",
    ]
    assert {array.dtype for array in weights.values()} == {np.dtype(np.float32)}


def test_the_state_of_another_model_is_refused() -> None:
    state = trainer().state()
    other = trainer(optimizer="sgd")
    before = other.state()
    with pytest.raises(UserError, match="of another model: its array optimizer/"):
        other.restore(state)
    with pytest.raises(UserError, match=r"optimizer/.* is missing, and float32"):
        trainer(ema=0.9).restore(state)
    with pytest.raises(UserError, match=r"model/0000 is float32\[3\], and float32\[2, 6\]"):
        trainer().restore(state | {"model/0000": np.zeros(3, np.float32)})
    assert_same(other.state(), before)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_it_learns_in_every_precision(precision: str) -> None:
    trained = trainer(noise=0.0, precision=precision)
    losses = train(trained, range(40))
    assert losses[-1] < 0.5 * losses[0]
    assert trained.validate([batch(50)]) < 0.5 * losses[0]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_step_that_overflows_in_float16_is_left_out_whole(accumulate: int) -> None:
    """So that steps never shift against their batches."""
    trained = trainer(precision="mixed_float16", accumulate=accumulate)
    scales = [v for v in trained.optimizer.variables if v.path.endswith("dynamic_scale")]
    before = trained.weights()["head/kernel"]
    scales[0].assign(2.0**126)
    train(trained, range(1), accumulate)
    assert float(scales[0]) == 2.0**125
    np.testing.assert_array_equal(trained.weights()["head/kernel"], before)
    assert int(trained.optimizer.iterations) == 0
    scales[0].assign(2.0**10)
    train(trained, range(1), accumulate)
    assert int(trained.optimizer.iterations) == 1
    assert not np.array_equal(trained.weights()["head/kernel"], before)


def test_nothing_is_compiled_twice() -> None:
    trained = trainer(accumulate=2, ema=0.9)
    train(trained, range(1), 2)
    trained.validate([batch(0)])
    traced = trained.model.traced
    train(trained, range(1, 4), 2)
    trained.validate([batch(1), batch(2)])
    assert trained.model.traced == traced


class Descent(keras.optimizers.Optimizer):
    """Gradient descent with values in and out, as Keras's optimizers do it on JAX."""

    def stateless_apply(self, state: list[Any], grads: list[Any], weights: list[Any]) -> Any:
        """Make a step."""
        iteration, rate = state
        moved = [w - rate * g for w, g in zip(weights, grads, strict=True)]
        return moved, [iteration + 1, rate]


def test_a_backend_without_side_effects_accumulates_too() -> None:
    weights = keras.Variable(np.ones(3, np.float32), name="weights")
    optimizer = Accumulating(Descent(learning_rate=0.5), 2)
    optimizer.build([weights])
    values, state = [weights.value + 0], [v.value + 0 for v in optimizer.variables]
    for size, expected in ((1.0, 1.0), (3.0, 0.0), (5.0, 0.0), (7.0, -3.0)):
        grads = [np.full(3, size, np.float32)]
        values, state = optimizer.stateless_apply(state, grads, values)
        assert np.asarray(values[0]).tolist() == [expected] * 3
    assert len(state) == len(optimizer.variables)
