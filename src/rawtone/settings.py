"""The tables of params.yaml as typed, checked settings.

The description of a field is what an editor shows for it (workflow/schemas/params.schema.json).
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rawtone.corpus_settings import Corpus
from rawtone.model_settings import Model
from rawtone.sampling_settings import Sampling
from rawtone.strict import Name, Settings, unequal


class Quantizer(Settings):
    """How a sample becomes one of a number of codes."""

    kind: Literal["mu-law", "a-law", "linear"] = Field(description="mu-law suits most music.")
    levels: int = Field(ge=2, le=65536, description="Number of codes.")


class Keep(Settings):
    """Which published checkpoints stay on disk; the last one always does."""

    last: int = Field(1, ge=1, description="The newest so many.")
    every: int | None = Field(
        None, ge=1, description="Those at multiples of this step; without it none for that reason."
    )
    best: int = Field(0, ge=0, description="So many of the least loss on validation.")


class Training(Settings):
    """How the model learns."""

    steps: int = Field(ge=1, description="Optimizer updates in all.")
    batch_size: int = Field(ge=1, description="Windows in a batch.")
    workers: int = Field(
        1,
        ge=1,
        description="Processes that share every batch, on several GPUs or hosts; they divide "
        "batch_size.",
    )
    accumulate: int = Field(
        1, ge=1, description="Batches whose mean gradient makes a step; saves memory."
    )
    window: int = Field(
        ge=1, description="Samples predicted in a window; the context they need comes on top."
    )
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    learning_rate: float = Field(gt=0)
    epsilon: float = Field(
        1e-7, gt=0, description="Of adam, adamw and rmsprop: the least that a step is divided by."
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="Of sgd and rmsprop.")
    l2: float = Field(
        0.0, ge=0, description="Penalty on the squares of all weights but biases: 0.5 l2 |w|^2."
    )
    weight_decay: float = Field(0.01, ge=0, description="Of adamw.")
    warmup_steps: int = Field(ge=0, description="Steps over which the rate grows from zero.")
    schedule: Literal["constant", "cosine", "exponential"] = Field(
        description="cosine lets the rate fall to zero at the last step; exponential shrinks it "
        "by decay_rate for every decay_steps steps after step decay_after."
    )
    decay_after: int = Field(0, ge=0, description="Step at which exponential decay begins.")
    decay_steps: int = Field(1000, ge=1, description="Steps of one exponential decay.")
    decay_rate: float = Field(0.905, gt=0, le=1, description="Factor of one exponential decay.")
    clip_norm: float = Field(gt=0, description="Gradients longer than this are shortened to it.")
    ema: float | None = Field(
        None, gt=0, lt=1, description="Publish a moving average of the weights; try 0.999."
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    patience: int | None = Field(
        None, ge=1, description="Validations without a better one after which training ends."
    )
    rollback: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Where the loss explodes, go back to the checkpoint before, multiply the "
        "learning rate by this, and go on; without it training stops there.",
    )
    threads: int | None = Field(
        None,
        ge=1,
        description="Threads to compute with on a CPU: the last bits depend on how many. Without "
        "it as many as the machine has, so that another machine gets other last bits.",
    )
    deterministic: bool = Field(True, description="The same bytes again, also on a GPU.")
    seed: int = Field(ge=0)
    log_every: int = Field(ge=1, description="Steps between two lines of the log.")
    validate_every: int = Field(ge=1, description="Steps between two validations.")
    validation_batches: int = Field(ge=1, description="Batches of held-out windows in each.")
    checkpoint_every: int = Field(ge=1, description="Steps between two published checkpoints.")
    keep: Keep = Field(Keep(every=1), description="Which of them stay on disk.")
    save_minutes: float = Field(
        10, gt=0, description="Minutes after which the state is saved between checkpoints, too."
    )
    tensorboard: bool = Field(
        False, description="Write scalars and clips for TensorBoard, in the run's folder."
    )

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.batch_size % self.workers:
            raise ValueError(
                f"expected workers to divide batch_size, found {self.workers} and {self.batch_size}"
            )
        return self


# Keys of `training` that came later; at these values a run keeps the name that it had before.
LATER = {"epsilon": 1e-7, "l2": 0.0, "threads": None, "workers": 1}

# Keys of `training` that no weight depends on: what is kept, shown and saved on the way.
NOT_DECISIVE = ("keep", "save_minutes", "log_every", "tensorboard")


class StartFrom(Settings):
    """Where an experiment's weights come from, instead of chance."""

    experiment: Name = Field(description="One further up in params.yaml.")
    step: Annotated[int, Field(ge=1)] | Literal["best", "last"] = Field(
        "best", description="Which of its published checkpoints."
    )


class Select(Settings):
    """What an ear chose, which goes before what the measures would choose."""

    step: int | None = Field(None, ge=1, description="The checkpoint to take.")
    clips: list[str] = Field(
        [],
        description="The clips to hear first, in order, as step-00003600/t1.00-s0.",
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        unequal(self.clips)
        return self


class Experiment(Settings):
    """A corpus, and all that decides what is learned from it."""

    corpus: Name = Field(description="One of the corpora above.")
    preset: Name = Field(description="A file of rawtone's presets, whose keys can be set here.")
    quantizer: Quantizer
    model: Model
    training: Training
    sampling: Sampling
    start_from: StartFrom | None = Field(
        None, description="Begin from another experiment's weights: train on one band, go on."
    )
    select: Select = Field(Select(), description="What your ear chose.")


class Params(Settings):
    """The whole of params.yaml, presets filled in."""

    corpora: dict[Name, Corpus] = Field(min_length=1)
    experiments: dict[Name, Experiment] = Field(min_length=1)
