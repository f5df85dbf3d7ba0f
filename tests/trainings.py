"""Settings of a training, for tests: as plain as can be, with what a test is about changed."""

from rawtone.settings import Training

_PLAIN = {
    "steps": 100,
    "batch_size": 1,
    "window": 1,
    "learning_rate": 0.01,
    "warmup_steps": 0,
    "schedule": "constant",
    "clip_norm": 1.0,
    "seed": 0,
    "log_every": 1,
    "validate_every": 1,
    "validation_batches": 1,
    "checkpoint_every": 1,
}


def plain(**changed: object) -> Training:
    """Return checked settings: Adam at a constant rate, one window a batch, all done every step.

    Args:
        changed: keys of `training` in params.yaml, by name.
    """
    return Training.model_validate(_PLAIN | changed)
