"""One process of a training: alone, or in its place among the workers that share every batch."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rawtone.settings import Training
from rawtone.training.chief import Chief
from rawtone.training.follower import Follower
from rawtone.training.lock import exclusive
from rawtone.training.roles import Role

Team = Chief | Follower | None


@contextmanager
def taking_place(role: Role, folder: Path, key: str, experiment: str) -> Iterator[Team]:
    """Take this process's place for as long as the block runs.

    Args:
        role: of this process.
        folder: of the run, which who leads or trains alone locks.
        key: of the run.
        experiment: its name in params.yaml.

    Yields:
        What speaks to the other workers; nothing where there are none.
    """
    if role.rank:
        with Follower(role, key) as follower:
            yield follower
        return
    with exclusive(folder):
        if role.size == 1:
            yield None
            return
        with Chief(role, key, experiment) as chief:
            yield chief


def collective(team: Team) -> Any:
    """Wait until all workers have come; return what adds up over them, nothing for one alone.

    The backend must have been started, and nothing computed yet.
    """
    if team is None:
        return None
    from rawtone.models.collective import Collective, choose_gpu, free_port

    role = team.role
    choose_gpu(role.local, role.neighbours, role.launched)
    return Collective(team.meet(free_port()), role.rank)


def trainer(model: Any, training: Training, team: Team, sums: Any) -> Any:
    """Return the trainer of this process.

    Args:
        model: with its first weights.
        training: settings.
        team: as `taking_place` gives it.
        sums: as `collective` gives it.
    """
    if team is None:
        from rawtone.training.trainer import Trainer

        return Trainer(model, training)
    from rawtone.training.shared import LeadingTrainer, SharedTrainer

    if isinstance(team, Chief):
        return LeadingTrainer(model, training, sums, team)
    return SharedTrainer(model, training, sums, team.role)


def notes(team: Team, trainer: Any) -> list[str]:
    """Return the lines for the log about who trains together."""
    if not isinstance(team, Chief):
        return []
    where = ", ".join(f"{rank} on {host}" for rank, host in enumerate(team.hosts))
    size = f"every step adds up {trainer.exchanged:,} bytes of gradients"
    return [f"{team.role.size} workers, {where}; {size}"]
