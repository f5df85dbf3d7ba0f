"""The table `model` of an experiment: one class a family, and what is known of it without Keras."""

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


# More families are added to this union: WaveNet | SampleRNN | …, told apart by `family`.
Model = Annotated[WaveNet | LpcLru, Field(discriminator="family")]
_MODEL: TypeAdapter[Any] = TypeAdapter(Model)


def model(table: dict[str, Any]) -> Any:
    """Return the settings of whatever family a table is of, already checked."""
    return _MODEL.validate_python(table)
