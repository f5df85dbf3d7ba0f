"""Spectral: the published sizes, transforms without loss, densities, and one model in two forms."""

from importlib import resources
from statistics import NormalDist

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rawtone.audio import quantizers
from rawtone.model_settings import Spectral
from rawtone.models import backend

backend.start()


from rawtone.models.amplitudes import Amplitudes  # noqa: E402
from rawtone.models.families import build  # noqa: E402
from rawtone.models.family import Audio, Family  # noqa: E402
from rawtone.models.spectral_heads import Mixtures  # noqa: E402
from rawtone.models.spectrum import Spectrum  # noqa: E402

CD = quantizers.make("linear", 65536)
WINDOWS = ("rectangular", "hamming", "sine")
FRAMES = st.sampled_from([4, 6, 8, 10, 16])


def sizes(**changed: object) -> Spectral:
    """Return the settings of the article's model with some changed."""
    default = {
        "family": "spectral",
        "frame": 256,
        "spectrum": "full",
        "scale": 2 / 256,
        "layers": [{"units": 256}] * 3,
        "output": {"kind": "regression"},
    }
    return Spectral.model_validate(default | changed)


def small(**changed: object) -> Spectral:
    return sizes(**{"frame": 8, "scale": 1.0, "layers": [{"units": 5}, {"units": 4}]} | changed)


def randomized(model: Family, seed: int, scale: float = 0.3) -> Family:
    random = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(random.normal(size=variable.shape, scale=scale))
    return model


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


@pytest.mark.parametrize(
    ("changed", "parameters"),
    [
        ({}, 2_625_536),
        ({"layers": [{"units": n, "activation": "relu"} for n in (512, 256, 256)]}, 4_723_712),
        ({"frame": 1024, "layers": [{"units": 512}] * 3}, 15_738_880),
        ({"frame": 1024, "spectrum": "half"}, 3_942_404),
    ],
)
def test_parameter_counts_are_the_published_ones(
    changed: dict[str, object], parameters: int
) -> None:
    assert build(sizes(**changed), Audio(CD, channels=2)).count_params() == parameters


@pytest.mark.parametrize(
    ("changed", "features"), [({}, 1024), ({"frame": 1024, "spectrum": "half"}, 2052)]
)
def test_features_are_as_many_as_published(changed: dict[str, object], features: int) -> None:
    assert Spectrum(sizes(**changed), channels=2).size == features


def test_features_are_numpys_spectra_in_niisans_order() -> None:
    frames = noise(0, 3, 2, 8)
    expected = np.fft.fft(frames) * 0.25
    left, right = expected[:, 0], expected[:, 1]
    features = Spectrum(small(scale=0.25), channels=2).features(frames)
    order = np.concatenate([left.real, left.imag, right.real, right.imag], axis=-1)
    np.testing.assert_allclose(features, order, atol=1e-6)


@settings(max_examples=12, deadline=None)
@given(
    frame=FRAMES,
    window=st.sampled_from(WINDOWS),
    spectrum=st.sampled_from(["full", "half"]),
    scale=st.sampled_from([0.01, 1.0, 100.0]),
    channels=st.integers(1, 2),
    count=st.integers(2, 5),
    seed=st.integers(0, 100),
)
def test_frames_added_up_are_the_audio_again(
    frame: int, window: str, spectrum: str, scale: float, channels: int, count: int, seed: int
) -> None:
    """Exact but for the rounding of float32; where frames overlap, but for half a frame's ends."""
    chosen = small(frame=frame, window=window, spectrum=spectrum, scale=scale)
    transform = Spectrum(chosen, channels)
    audio = noise(seed, 2, count * frame, channels)
    frames = transform.from_features(transform.features(transform.cut(audio)))
    added = np.zeros_like(audio)
    for index in range(frames.shape[1]):
        start = index * chosen.hop
        added[:, start : start + frame] += np.moveaxis(np.asarray(frames[:, index]), 1, 2)
    edge = frame - chosen.hop
    inner = slice(edge, count * frame - edge)
    np.testing.assert_allclose(added[:, inner], audio[:, inner], atol=5e-6)


def test_what_contradicts_the_mirror_image_is_not_heard() -> None:
    """A network's full spectrum need not be that of real audio; its real part is taken."""
    features = noise(0, 3, 16)
    spectrum = features[:, :8] + 1j * features[:, 8:]
    frames = Spectrum(small(), channels=1).from_features(features)[:, 0]
    np.testing.assert_allclose(frames, np.fft.ifft(spectrum).real, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(frame=FRAMES, seed=st.integers(0, 100))
def test_coordinates_are_a_rotation(frame: int, seed: int) -> None:
    transform = Spectrum(small(frame=frame), channels=1)
    frames = noise(seed, 5, frame)
    coordinates = np.asarray(transform.coordinates(frames))
    matrix = np.asarray(transform.coordinates(np.eye(frame, dtype=np.float32)))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(frame), atol=1e-6)
    np.testing.assert_allclose(transform.from_coordinates(coordinates), frames, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(frame=FRAMES, seed=st.integers(0, 100))
def test_variances_of_coordinates_are_those_that_cells_have(frame: int, seed: int) -> None:
    transform = Spectrum(small(frame=frame), channels=1)
    widths = np.abs(noise(seed, 3, frame))
    matrix = np.asarray(transform.coordinates(np.eye(frame, dtype=np.float32)))
    expected = widths**2 / 12 @ matrix**2
    np.testing.assert_allclose(transform.spread(widths), expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["mu-law", "a-law", "linear"])
@pytest.mark.parametrize("levels", [4, 256, 65536])
def test_cells_are_what_is_encoded_alike_and_fill_the_axis(
    kind: quantizers.Kind, levels: int
) -> None:
    quantizer = quantizers.make(kind, levels)
    codes = np.unique(np.linspace(0, levels - 1, 300).astype(np.int32))
    edges = quantizer.edges()
    assert edges[0] == -1 and edges[-1] == 1 and (np.diff(edges) > 0).all()
    inside = edges[codes] + np.diff(edges)[codes] * np.array([[0.001], [0.5], [0.999]])
    np.testing.assert_array_equal(quantizer.encode(inside), [codes] * 3)
    amplitudes = Amplitudes(quantizer)
    if (levels < 65536 and kind == "linear") or levels == 4:  # coarser than 16 bits everywhere
        np.testing.assert_array_equal(amplitudes.encode(amplitudes.of(codes)), codes)
    np.testing.assert_allclose(amplitudes.widths(codes), np.diff(edges)[codes], rtol=1e-5)


@settings(max_examples=10, deadline=None)
@given(
    frame=FRAMES,
    window=st.sampled_from(WINDOWS),
    spectrum=st.sampled_from(["full", "half"]),
    channels=st.integers(1, 2),
    components=st.integers(0, 3),
    activation=st.sampled_from(["tanh", "sigmoid", "relu", "selu"]),
    levels=st.sampled_from([16, 256, 65536]),
    seed=st.integers(0, 1000),
)
def test_streaming_form_predicts_what_the_parallel_form_predicts(
    frame: int,
    window: str,
    spectrum: str,
    channels: int,
    components: int,
    activation: str,
    levels: int,
    seed: int,
) -> None:
    """And so do windows that carry their state one after another."""
    mixed = components and window == "rectangular"
    output = {"kind": "gaussians", "components": components} if mixed else {"kind": "regression"}
    layers = [{"units": 5, "activation": activation, "dropout": 0.5}, {"units": 4}]
    chosen = small(frame=frame, window=window, spectrum=spectrum, layers=layers, output=output)
    audio = Audio(quantizers.make("linear", levels), channels)
    model = randomized(build(chosen, audio, seed), seed)
    stereo = () if channels == 1 else (2,)
    heard = np.random.default_rng(seed).integers(0, levels, (2, 4 * frame, *stereo), np.int32)
    silence = np.full((2, frame - chosen.hop, *stereo), audio.quantizer.silence, np.int32)
    codes = np.concatenate([silence, heard], axis=1)

    parallel, _ = model(codes, model.initial_carry(2))
    state, streamed = model.initial_state(2), []
    for start in range(0, 4 * frame, chosen.hop):
        features, state = model.step(state, heard[:, start : start + chosen.hop])
        streamed.append(np.asarray(features))
    np.testing.assert_allclose(np.stack(streamed, axis=1), parallel, atol=2e-5, rtol=1e-4)

    half, lead = 2 * frame, frame - chosen.hop
    first, carry = model(codes[:, : lead + half], model.initial_carry(2))
    second, _ = model(codes[:, half:], carry)
    carried = np.concatenate([first, second], axis=1)
    np.testing.assert_allclose(carried, parallel, atol=2e-5, rtol=1e-4)


def mixtures(quantizer: quantizers.Quantizer, components: int, frame: int = 4) -> Mixtures:
    output = {"kind": "gaussians", "components": components}
    chosen = small(frame=frame, output=output)
    return Mixtures(Spectrum(chosen, channels=1), Amplitudes(quantizer), components)


def features_of(means: np.ndarray, deviation: float) -> np.ndarray:
    """Return features [samples * 3] of one distribution for each coordinate: those of 0.1 are 0."""
    return (
        np.stack([0 * means, means, 0 * means + np.log(10 * deviation)]).astype(np.float32).ravel()
    )


def all_frames(levels: int) -> np.ndarray:
    return np.stack(np.meshgrid(*[np.arange(levels, dtype=np.int32)] * 4), axis=-1).reshape(-1, 4)


@pytest.mark.parametrize("kind", ["linear", "mu-law"])
def test_masses_of_all_frames_add_up_to_one(kind: quantizers.Kind) -> None:
    """Nearly, and never to more: what is told of a frame is at most its probability."""
    head = mixtures(quantizers.make(kind, 16), 2)
    random = np.random.default_rng(0)
    weights, means = random.normal(size=(4, 2)), random.normal(size=(4, 2), scale=0.1)
    deviations = np.log(10 * np.array([[0.2, 0.3]] * 4))
    features = np.stack([weights, means, deviations]).astype(np.float32).reshape(1, 1, -1)
    codes = all_frames(16)
    loss = np.asarray(head.loss(np.repeat(features, len(codes), axis=0), codes))
    assert loss.shape == codes.shape and (loss == loss[:, :1]).all()
    total = np.exp(-loss.sum(axis=1, dtype=np.float64)).sum()
    assert 0.9 < total < 1.0


@pytest.mark.parametrize(
    ("deviation", "most"), [(0.5, 0.3), (1.0, 0.07), (2.0, 0.02), (4.0, 0.005)]
)
def test_bits_are_hardly_more_than_those_of_the_cells_masses(deviation: float, most: float) -> None:
    """Where all distributions are as wide as each other, masses are known: deviations in cells."""
    quantizer = quantizers.make("linear", 64)
    cell, edges = 2 / 64, quantizer.edges()
    head = mixtures(quantizer, 1)
    random = np.random.default_rng(1)
    audio = random.uniform(-0.5, 0.5, (200, 4)).astype(np.float32)
    drawn = audio + random.normal(size=audio.shape, scale=deviation * cell)
    codes = quantizer.encode(drawn).astype(np.int32)
    means = np.asarray(head.spectrum.coordinates(audio))
    features = np.stack([features_of(mean, deviation * cell) for mean in means])
    told = np.asarray(head.loss(features[:, None], codes)) / np.log(2)
    cdf = np.vectorize(NormalDist().cdf)
    ends = (cdf((edges[codes + k] - audio) / (deviation * cell)) for k in (1, 0))
    exact = -np.log2(next(ends) - next(ends))
    assert 0 <= told.mean() - exact.mean() < most
    assert (told.sum(axis=1) - exact.sum(axis=1) > -1e-3).all()


def test_frames_are_drawn_as_they_are_scored() -> None:
    """Shares, means and deviations of what is drawn, and how temperature bends them."""
    head = mixtures(CD, 2)
    shares, means, deviations = [0.7, 0.3], [0.2, -0.3], [0.02, 0.04]
    one = np.stack(
        [np.tile(row, (4, 1)) for row in (np.log(shares), means, np.log(10 * np.array(deviations)))]
    )
    features = np.tile(one.astype(np.float32).reshape(-1), (4000, 1))
    uniform = np.random.default_rng(2).random((4, 2, 4000)).astype(np.float32)

    def drawn(temperature: float) -> np.ndarray:
        frames = head.frame(features, np.full(4000, temperature, np.float32), uniform)
        return np.asarray(head.spectrum.coordinates(frames))

    for temperature, expected in ((1.0, 0.7), (0.5, 0.49 / 0.58)):
        values = drawn(temperature).ravel()
        first = values > -0.05
        assert first.mean() == pytest.approx(expected, abs=0.01)
        for chosen, mean, deviation in zip((first, ~first), means, deviations, strict=True):
            assert values[chosen].mean() == pytest.approx(mean, abs=0.003)
            expected = deviation * temperature**0.5
            assert values[chosen].std() == pytest.approx(expected, rel=0.05)
    np.testing.assert_allclose(drawn(0.0), 0.2, atol=1e-6)


def test_every_trainable_weight_learns() -> None:
    import tensorflow

    output = {"kind": "gaussians", "components": 2}
    model = build(small(output=output), Audio(CD, channels=2))
    codes = np.random.default_rng(0).integers(0, 65536, (2, 40, 2), np.int32)
    with tensorflow.GradientTape() as tape:
        features, _ = model(codes[:, :-8], model.initial_carry(2))
        loss = tensorflow.reduce_sum(model.head.loss(features, codes[:, 8:]))
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    assert all(np.isfinite(gradient).all() and np.any(gradient) for gradient in gradients)


def test_dropout_is_on_in_training_only() -> None:
    model = build(small(layers=[{"units": 5, "dropout": 0.5}]), Audio(CD))
    codes = np.random.default_rng(0).integers(0, 65536, (2, 40), np.int32)

    def predicted(training: bool) -> np.ndarray:
        return np.asarray(model(codes, model.initial_carry(2), training=training)[0])

    np.testing.assert_array_equal(predicted(False), predicted(False))
    assert not np.array_equal(predicted(True), predicted(True))


def test_mixtures_of_overlapping_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="expected window rectangular with output gaussians"):
        small(window="sine", output={"kind": "gaussians", "components": 1})


@pytest.mark.parametrize(
    ("name", "channels", "parameters"),
    [
        ("niisan-article", 2, 2_625_536),
        ("niisan-half-spectrum", 2, 3_942_404),
        ("spectral-demo", 1, 2_267_904),
    ],
)
def test_presets_are_the_networks_that_they_say(name: str, channels: int, parameters: int) -> None:
    preset = yaml.safe_load(resources.files("rawtone.presets").joinpath(f"{name}.yaml").read_text())
    chosen = Spectral.model_validate(preset["model"])
    assert preset["training"]["window"] % chosen.stride == 0
    quantizer = quantizers.make(**preset["quantizer"])
    assert build(chosen, Audio(quantizer, channels)).count_params() == parameters


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_predicts_and_carries_about_the_same_in_float32(precision: str) -> None:
    codes = np.random.default_rng(0).integers(0, 65536, (2, 40), np.int32)
    found = [build(small(), Audio(CD), 1, kind) for kind in (precision, "float32")]
    (half, half_carry), (full, carry) = (m(codes, m.initial_carry(2)) for m in found)
    for one, other in zip([half, *half_carry], [full, *carry], strict=True):
        assert one.dtype == other.dtype
        assert not np.array_equal(one, other)
        np.testing.assert_allclose(one, other, atol=0.05)
