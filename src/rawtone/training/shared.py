"""A trainer whose every batch is shared out among several processes.

Each worker holds the whole model and its optimizer, takes its rows of every batch, and makes the
same step of the sum of all gradients. So clipping, averages and loss scaling see what they would
see in a single process.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from rawtone.errors import UserError
from rawtone.models.collective import Collective, gradients, step
from rawtone.settings import Training
from rawtone.training.batches import Batch
from rawtone.training.checkpoints import Arrays
from rawtone.training.chief import Chief
from rawtone.training.follower import Follower
from rawtone.training.learner import inputs
from rawtone.training.order import Order
from rawtone.training.roles import Role
from rawtone.training.signals import listening
from rawtone.training.trainer import Trainer


class SharedTrainer(Trainer):
    """Updates a model together with the other workers' trainers, all told to do the same.

    Args:
        model: with the same weights in every worker. It carries no state from batch to batch.
        training: settings.
        collective: adds up gradients.
        role: of this worker.
    """

    def __init__(self, model: Any, training: Training, collective: Collective, role: Role) -> None:
        # batches of one step are added up here, so that their sum crosses the network once
        super().__init__(model, training.model_copy(update={"accumulate": 1}))
        self.role = role
        self._collective = collective
        self._gradients = gradients(self._losses, self._trained, model.jit)
        self._step = step(lambda grads: self.optimizer.apply(grads, self._trained), self._trained)

    def _losses(self, batch: dict[str, Any]) -> tuple[Any, Any]:
        loss = self.learner(batch, training=True)
        return self.optimizer.scale_loss(loss), loss

    def update(self, batches: Sequence[Batch], learning_rate: float) -> float:
        """Make one optimizer step of whole batches, as `Trainer.update` does."""
        self.optimizer.learning_rate = learning_rate
        share = np.float32(len(batches) / sum(float(batch.weights.sum()) for batch in batches))
        mine = [self._part(batch) for batch in batches]
        parts = [self._gradients(inputs(b, b.weights * share)) for b in mine]
        total = self._collective.sum(sum(parts[1:], start=parts[0]))
        self._step(total, np.float32(len(batches)))
        return float(total[-1]) / len(batches)

    def score(self, batch: Batch) -> float:
        """Return the loss of this worker's part of a batch, weighted and summed, in nats."""
        mine = self._part(batch)
        values = [variable.value for variable in self._published]
        return self.scorer.score(mine, values)

    def _part(self, batch: Batch) -> Batch:
        rows = len(batch.codes) // self.role.size
        mine = slice(self.role.rank * rows, (self.role.rank + 1) * rows)
        parts = {f.name: getattr(batch, f.name) for f in fields(batch) if f.name != "index"}
        return Batch(**{name: part[mine] for name, part in parts.items()})

    @property
    def exchanged(self) -> int:
        """Bytes that are added up in every step."""
        return 4 * (1 + sum(int(np.prod(variable.shape)) for variable in self._trained))


class LeadingTrainer(SharedTrainer):
    """Worker 0's: whatever it is asked to do, all workers do.

    Args:
        model: as for `SharedTrainer`.
        training: settings.
        collective: adds up gradients.
        chief: speaks to the others.
    """

    def __init__(
        self, model: Any, training: Training, collective: Collective, chief: Chief
    ) -> None:
        super().__init__(model, training, collective, chief.role)
        self._chief = chief
        self._compiled = False
        self.restore(self._arrays())

    def update(self, batches: Sequence[Batch], learning_rate: float) -> float:
        """Make one optimizer step, all of us."""
        indices = [batch.index for batch in batches]
        self._chief.tell({"do": "update", "batches": indices, "rate": learning_rate})
        loss = super().update(batches, learning_rate)
        if not self._compiled:  # others may still be at it, and whoever measures would wait for it
            self.state()
            self._compiled = True
        return loss

    def validate(self, batches: Iterable[Batch]) -> float:
        """Return the mean loss of batches in nats per sample, each scored by all of us."""
        losses, weights = 0.0, 0.0
        for batch in batches:
            self._chief.tell({"do": "score", "batch": batch.index})
            losses += sum([self.score(batch), *self._chief.answers().values()])
            weights += float(batch.weights.sum())
        return losses / weights

    def state(self) -> Arrays:
        """Return everything that decides how training goes on.

        Raises:
            UserError: the workers' states are not the same.
        """
        self._chief.tell({"do": "digest"})
        state = self._arrays()
        expected = digest(state)
        for rank, other in self._chief.answers().items():
            if other != expected:
                raise UserError(
                    f"training.workers: worker {rank} on {self._chief.hosts[rank]} came to other "
                    "weights than worker 0; let machines of one kind train together"
                )
        return state

    def restore(self, state: Arrays) -> None:
        """Let all take over a state of this worker's."""
        self._chief.tell({"do": "restore"}, state)
        super().restore(state)


def digest(state: Arrays) -> str:
    """Return a checksum of a trainer's state."""
    checksum = hashlib.sha256()
    for name, array in sorted(state.items()):
        checksum.update(f"{name} {array.dtype} {array.shape}".encode())
        checksum.update(array.tobytes())
    return checksum.hexdigest()


def follow(trainer: SharedTrainer, train: Order, validation: Order, worker: Follower) -> int:
    """Do what worker 0 says until it says that this is the end.

    Args:
        trainer: of this worker.
        train: the windows learned from.
        validation: held-out windows.
        worker: speaks to worker 0.

    Returns:
        The exit status.
    """
    with listening() as stop:
        passed_on = False
        while True:
            order, arrays = worker.hear()
            match order["do"]:
                case "update":
                    trainer.update([train.batch(i) for i in order["batches"]], order["rate"])
                case "score":
                    worker.answer(trainer.score(validation.batch(order["batch"])))
                case "digest":
                    worker.answer(digest(trainer.state()))
                case "restore":
                    trainer.restore(arrays)
                case _:
                    status: int = order["status"]
                    return status
            if stop.signal is not None and not passed_on:
                worker.pass_on(stop.signal)
                passed_on = True
