"""Which batch order a family is trained and scored in."""

from typing import Any

from numpy import array, int32, int64, zeros
from numpy.typing import NDArray

from rawtone.audio import quantizers
from rawtone.corpus.chunks import Chunks
from rawtone.errors import UserError
from rawtone.settings import Quantizer
from rawtone.training.batches import Excerpts, Windows
from rawtone.training.walks import Walks

Order = Windows | Walks


def order(
    chunks: Chunks,
    split: str,
    quantizer: Quantizer,
    model: Any,
    sizes: tuple[int, int],
    seed: int = 0,
    from_silence: float = 0.0,
    labels: tuple[str, ...] = (),
) -> Order:
    """Return the batch order of a split, as a family needs it.

    Args:
        chunks: of the corpus.
        split: which part of it.
        quantizer: settings.
        model: settings of the family.
        sizes: windows in a batch, and samples predicted in each.
        seed: of the order.
        from_silence: share of windows that hear silence in place of their past; where state is
            carried, those at the start of a chunk do.
        labels: all labels, for families that are told them.

    Raises:
        UserError: the split is empty, or one of its labels is not among them.
    """
    rows = _rows(chunks, split)
    codec = quantizers.make(quantizer.kind, quantizer.levels)
    batch_size, window = sizes
    excerpts = Excerpts(
        pcm=chunks.pcm,
        rows=rows,
        lengths=chunks.lengths[rows],
        labels=_numbers([chunks.labels[row] for row in rows], labels),
        codebook=codec.table(),
        silence=codec.silence,
        context=model.context,
        hop=model.hop,
        window=window,
        batch_size=batch_size,
        seed=seed,
    )
    return Walks(excerpts) if model.recurrent else Windows(excerpts, from_silence)


def _rows(chunks: Chunks, split: str) -> NDArray[int64]:
    rows = chunks.rows(split)
    if not len(rows):
        raise UserError(f"the corpus has no {split} chunks; see its corpus.json for the reasons")
    return rows


def _numbers(found: list[str], labels: tuple[str, ...]) -> NDArray[int32]:
    """Return the number of each chunk's label; all 0 where nobody asks."""
    if not labels:
        return zeros(len(found), int32)
    strangers = sorted(set(found) - set(labels))
    if strangers:
        raise UserError(
            f"the corpus has labels that the model never learned: {', '.join(strangers)}; train "
            "it anew on this corpus"
        )
    known = {label: number for number, label in enumerate(labels)}
    return array([known[label] for label in found], int32)
