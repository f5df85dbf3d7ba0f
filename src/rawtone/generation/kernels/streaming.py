"""What the kernels of all families are asked for in one way: to hear, to score, to make."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rawtone.generation.kernels.tasks import MAKE, Codes, Floats, Task, hearing, scoring

State = list[NDArray[Any]]


class Streaming(ABC):
    """Turns what a kernel is asked for into tasks, as `rawtone.generation.kernel` says."""

    @abstractmethod
    def _do(self, state: State, task: Task) -> None:
        """Do a task with streams; the first array of their state has their number last."""

    def tell(self, state: State, labels: Floats) -> None:  # noqa: B027 - no need to say it again
        """Leave everything as it is: most families are told no labels."""

    def hear(self, state: State, codes: Codes) -> None:
        """Let all streams hear codes [n]."""
        self._do(state, hearing(codes, state[0].shape[-1]))

    def score(self, state: State, codes: Codes) -> NDArray[np.float64]:
        """Let streams hear codes [n, lanes]; return the logarithms of their probabilities."""
        task = scoring(codes)
        self._do(state, task)
        return task.scores

    def make(
        self, state: State, temperatures: Floats, top_p: Floats, uniforms: Floats, codes: Codes
    ) -> None:
        """Make n samples of each stream, as `rawtone.generation.kernel.FamilyKernel` says."""
        none = np.zeros((0, codes.shape[1]))
        self._do(state, Task(MAKE, codes, none, temperatures, top_p, uniforms))
