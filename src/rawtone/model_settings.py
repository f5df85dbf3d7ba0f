"""The table `model` of an experiment: one class a family, and what is known of it without Keras."""

from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from rawtone.strict import Settings


class Softmax(Settings):
    """A probability for each code."""

    kind: Literal["softmax"]


class TwoStage(Settings):
    """A softmax over the coarse half of a code's bits, then one over the fine half (WaveRNN)."""

    kind: Literal["two_stage"]
    hidden: int = Field(ge=1, description="Units from which the fine half is predicted.")


class Logistics(Settings):
    """A mixture of logistic distributions, each code's share of it its probability (PixelCNN++)."""

    kind: Literal["logistics"]
    components: int = Field(ge=1, description="Distributions in the mixture.")


class Regression(Settings):
    """One value, by least squares: no probabilities, so no bits and no temperature."""

    kind: Literal["regression"]


class Gaussians(Settings):
    """A mixture of normal distributions for each coefficient of a spectrum."""

    kind: Literal["gaussians"]
    components: int = Field(ge=1, description="Distributions in each mixture.")


Output = Annotated[Softmax | TwoStage | Logistics | Regression, Field(discriminator="kind")]


# Kinds of output that draw codes by their probabilities.
WITH_TOP_P = ("softmax", "two_stage")


class ModelSettings(Settings):
    """What every family has: how it predicts, and how it is fed."""

    output: Output = Field(Softmax(kind="softmax"), description="How a sample is predicted.")

    recurrent: ClassVar[bool] = False  # whether state is carried from window to window of a chunk
    stereo: ClassVar[bool] = False  # whether it makes two channels

    @property
    def context(self) -> int:
        """Samples of a window that are heard before the first that is predicted."""
        raise NotImplementedError

    @property
    def hop(self) -> int:
        """Samples that a step of the streaming form makes."""
        return 1

    @property
    def stride(self) -> int:
        """What a window's length has to be a multiple of, in samples."""
        return self.hop

    @property
    def labelled(self) -> bool:
        """Whether it is told the label of what it hears or makes."""
        return False

    @property
    def density(self) -> bool:
        """Whether it gives probabilities, and so bits."""
        return self.output.kind != "regression"


class WaveNet(ModelSettings):
    """Gated dilated causal convolutions (van den Oord et al. 2016)."""

    family: Literal["wavenet"]
    dilations: list[Annotated[int, Field(ge=1)]] = Field(
        min_length=1, description="One layer each; their sum is how far back the model hears."
    )
    filter_width: int = Field(ge=2, description="Taps of each dilated convolution.")
    residual_channels: int = Field(ge=1)
    dilation_channels: int = Field(ge=1)
    skip_channels: int = Field(ge=1)
    biases: bool
    scalar_input: bool = Field(
        False, description="Hear each sample as one number from -1 to 1, instead of a row per code."
    )
    initial_filter_width: int = Field(
        32, ge=1, description="Taps of the first convolution; only with scalar_input."
    )
    global_channels: int | None = Field(
        None,
        ge=1,
        description="Numbers that stand for a recording's label, which every layer is told; the "
        "labels are those of corpora.<name>.label.",
    )

    @property
    def first_filter_width(self) -> int:
        """Taps of the first convolution."""
        return self.initial_filter_width if self.scalar_input else self.filter_width

    @property
    def context(self) -> int:
        """Samples that decide the distribution of the next one: the receptive field."""
        return (self.filter_width - 1) * sum(self.dilations) + self.first_filter_width

    @property
    def labelled(self) -> bool:
        """Whether it is told the label of what it hears or makes."""
        return self.global_channels is not None


class Convolution(Settings):
    """A causal convolution, rectified."""

    filters: int = Field(ge=1)
    width: int = Field(ge=2, description="Samples that a filter hears.")


class NextSample(ModelSettings):
    """LSTM layers on top of each other that hear sample by sample (wav-nn)."""

    family: Literal["next_sample"]
    convolution: Convolution | None = Field(
        None, description="What the first layer hears; without it the samples themselves."
    )
    embedding: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Features learned for each code; without it a sample is one number."
    )
    units: list[Annotated[int, Field(ge=1)]] = Field(
        min_length=1, description="One LSTM layer each."
    )

    recurrent: ClassVar[bool] = True

    @property
    def context(self) -> int:
        """Samples that decide what the first layer hears; the others are in its state."""
        return self.convolution.width if self.convolution else 1


class SpectralLayer(Settings):
    """One LSTM of a stack."""

    units: int = Field(ge=1)
    activation: Literal["tanh", "sigmoid", "relu", "selu"] = Field(
        "tanh", description="Of its cell and output, where an LSTM has tanh."
    )
    dropout: float = Field(
        0.0, ge=0, lt=1, description="Share of its outputs that is left out in training."
    )


class Spectral(ModelSettings):
    """Stacked LSTMs that go from the spectrum of a frame to that of the next (niisan 2017)."""

    family: Literal["spectral"]
    frame: Annotated[int, Field(ge=4, multiple_of=2)] = Field(
        description="Samples that are transformed together."
    )
    window: Literal["rectangular", "hamming", "sine"] = Field(
        "rectangular",
        description="rectangular: frames lie side by side. hamming and sine: they overlap by half "
        "and fade into each other.",
    )
    spectrum: Literal["full", "half"] = Field(
        description="All complex coefficients, or those up to half the sample rate: the others of "
        "a real signal mirror them."
    )
    scale: float = Field(gt=0, description="What the coefficients are multiplied by.")
    layers: list[SpectralLayer] = Field(min_length=1, description="The LSTMs, in order.")
    output: Annotated[Gaussians | Regression, Field(discriminator="kind")] = Field(  # type: ignore[assignment]
        description="How the next spectrum is predicted."
    )

    recurrent: ClassVar[bool] = True
    stereo: ClassVar[bool] = True

    @property
    def context(self) -> int:
        """Samples of a window that are heard before the first that is predicted: a frame."""
        return self.frame

    @property
    def hop(self) -> int:
        """Samples from one frame to the next."""
        return self.frame if self.window == "rectangular" else self.frame // 2

    @property
    def stride(self) -> int:
        """What a window's length has to be a multiple of: whole frames."""
        return self.frame

    @model_validator(mode="after")
    def _density_of_samples(self) -> Self:
        if self.output.kind == "gaussians" and self.window != "rectangular":
            raise ValueError(
                "expected window rectangular with output gaussians: of frames that overlap a "
                f"distribution is none of samples; found {self.window}"
            )
        return self


class LpcLru(ModelSettings):
    """Linear prediction (LPCNet) under gated linear recurrent units (RG-LRU) over frames."""

    recurrent: ClassVar[bool] = True

    family: Literal["lpc_lru"]
    output: Logistics = Field(
        Logistics(kind="logistics", components=4),
        description="Their means are counted from what linear prediction says.",
    )
    frame_size: int = Field(ge=1, description="Samples between two steps of the recurrent layers.")
    order: int = Field(ge=1, description="Past samples that linear prediction weighs.")
    spans: list[Annotated[float, Field(gt=1)]] = Field(
        min_length=1, description="Ages of the samples that a linear prediction is fitted to most."
    )
    residuals: int = Field(ge=1, description="Past errors of linear prediction that are heard.")
    taps: int = Field(ge=1, description="Past codes that are heard as they are.")
    resonators: int = Field(ge=1, description="Bands of the spectrum that frames are told by.")
    width: int = Field(ge=1, description="Units of each recurrent layer.")
    layers: int = Field(ge=1, description="Recurrent layers.")
    hidden: int = Field(ge=1, description="Units of the layers that work sample by sample.")

    noise: float = Field(
        0.0, ge=0, description="Loudest noise that training adds to what is heard, in codes."
    )

    @property
    def context(self) -> int:
        """Samples that are heard directly; of all before them, the carried state tells."""
        return self.frame_size + max(self.order, self.taps)

    @property
    def stride(self) -> int:
        """Windows are whole frames."""
        return self.frame_size

    @model_validator(mode="after")
    def _frames_hold_residuals(self) -> Self:
        if self.residuals > self.frame_size:
            raise ValueError(
                f"residuals: expected at most frame_size = {self.frame_size}, "
                f"found {self.residuals}"
            )
        return self


class SampleRNN(ModelSettings):
    """Recurrent tiers over frames of samples, above a small network (Mehri et al. 2017)."""

    family: Literal["samplernn"]
    frame_sizes: list[Annotated[int, Field(ge=1)]] = Field(
        min_length=1,
        description="Samples in a frame of each recurrent tier, the fastest tier first: [16] is "
        "the model of two tiers, [16, 64] that of three.",
    )
    variant: Literal["prism", "dadabots"] = Field(
        description="prism: every tier begins with a dense layer, upsampling has no bias. "
        "dadabots: the slowest tier hears its frames as they are, upsampling has a bias, a GRU "
        "resets before its matrix, an LSTM's forget gate begins at 3, and skip connections also "
        "bring the frames to every layer.",
    )
    dim: int = Field(ge=1, description="Units of every layer.")
    rnn: Literal["gru", "lstm"] = Field(description="Kind of the recurrent layers.")
    rnn_layers: int = Field(ge=1, description="Recurrent layers in each tier.")
    mlp_layers: int = Field(2, ge=1, description="Dense layers of the sample tier.")
    embedding: int | None = Field(
        ge=1, description="Numbers that stand for a code in the sample tier; null: one-hot."
    )
    skip_connections: bool = Field(description="Whether a tier gives the sum of all its layers.")
    learned_initial_state: bool = Field(description="Of the recurrent layers; else it is zero.")
    weight_norm: bool = Field(description="Whether matrices have weight normalization.")
    rnn_dropout: float = Field(0.0, ge=0, lt=1, description="On what recurrent layers hear.")

    recurrent: ClassVar[bool] = True

    @model_validator(mode="after")
    def _divide(self) -> Self:
        for small, large in pairwise(self.frame_sizes):
            if small >= large or large % small:
                raise ValueError(
                    "expected frame_sizes to ascend and each to divide the next, found "
                    f"{self.frame_sizes}: {small} and {large}"
                )
        return self

    @property
    def context(self) -> int:
        """The largest frame: what is before it, the recurrent state knows."""
        return self.frame_sizes[-1]

    @property
    def stride(self) -> int:
        """Whole frames of the largest size."""
        return self.frame_sizes[-1]


# Told apart by `family`; more families are added here.
Model = Annotated[
    WaveNet | SampleRNN | NextSample | Spectral | LpcLru, Field(discriminator="family")
]


_MODEL: TypeAdapter[Any] = TypeAdapter(Model)


def model(table: dict[str, Any]) -> Any:
    """Return the settings of whatever family a table is of, already checked."""
    return _MODEL.validate_python(table)
