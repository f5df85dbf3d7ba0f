"""The table `model` of an experiment: one class a family, and what is known of it without Keras."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, TypeAdapter

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


Output = Annotated[Softmax | TwoStage | Logistics | Regression, Field(discriminator="kind")]


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

    @property
    def context(self) -> int:
        """Samples that decide the distribution of the next one: the receptive field."""
        return (self.filter_width - 1) * (sum(self.dilations) + 1) + 1


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


# Families are told apart by `family`.
Model = Annotated[WaveNet | NextSample, Field(discriminator="family")]
_MODEL: TypeAdapter[Any] = TypeAdapter(Model)


def model(table: dict[str, Any]) -> Any:
    """Return the settings of whatever family a table is of, already checked."""
    return _MODEL.validate_python(table)
