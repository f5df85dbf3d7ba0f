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


# More families are added to this union: WaveNet | SampleRNN | …, told apart by `family`.
Model = Annotated[WaveNet, Field()]
_MODEL: TypeAdapter[Any] = TypeAdapter(Model)


def model(table: dict[str, Any]) -> Any:
    """Return the settings of whatever family a table is of, already checked."""
    return _MODEL.validate_python(table)
