"""Loops in LLVM's language: over inputs with sums in registers, over outputs in tiles."""

from collections.abc import Callable, Sequence
from typing import Any

from numba.core import cgutils

from rawtone.kernels.vectors import INDEX, index

TILES = (16, 8, 4, 2, 1)  # registers that hold sums, of 32; others hold inputs


def carried(
    builder: Any, starts: list[Any], count: Any, more: Callable[[Any, list[Any]], list[Any]]
) -> list[Any]:
    """Emit a loop that carries values in registers from round to round.

    Args:
        builder: of LLVM's code.
        starts: what the first round is given.
        count: rounds, or none.
        more: emits a round: from its index and the values so far to the next values.

    Returns:
        What the last round left, or the starts.
    """
    before = builder.block
    head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
    builder.branch(head)
    builder.position_at_end(head)
    counter = builder.phi(INDEX)
    counter.add_incoming(index(0), before)
    phis = [builder.phi(start.type) for start in starts]
    for phi, start in zip(phis, starts, strict=True):
        phi.add_incoming(start, before)
    builder.cbranch(builder.icmp_signed("<", counter, count), body, after)
    builder.position_at_end(body)
    results = more(counter, phis)
    counter.add_incoming(builder.add(counter, index(1)), builder.block)
    for phi, result in zip(phis, results, strict=True):
        phi.add_incoming(result, builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    return phis


def in_tiles(
    builder: Any,
    outputs: Any,
    step: int,
    tile: Callable[[Any, int], None],
    sizes: Sequence[int] = TILES,
) -> None:
    """Emit loops over outputs, so many registers at a time as fit, then what is left.

    Args:
        builder: of LLVM's code.
        outputs: how many there are.
        step: outputs to a register.
        tile: emits what is done with so many registers from an output on.
        sizes: numbers of registers, the largest first.
    """
    start = cgutils.alloca_once_value(builder, index(0))
    for registers in sizes:
        asked, body, after = (builder.append_basic_block(n) for n in ("fits", "tile", "done"))
        builder.branch(asked)
        builder.position_at_end(asked)
        first = builder.load(start)
        following = builder.add(first, index(step * registers))
        builder.cbranch(builder.icmp_signed("<=", following, outputs), body, after)
        builder.position_at_end(body)
        tile(first, registers)
        builder.store(following, start)
        builder.branch(asked)
        builder.position_at_end(after)
