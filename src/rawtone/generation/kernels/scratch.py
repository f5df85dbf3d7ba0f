"""Room on the stack for as long as a product takes."""

from typing import Any

from llvmlite import ir
from numba.core import cgutils

_POINTER = ir.IntType(8).as_pointer()


def scratch(builder: Any, kind: Any, size: Any) -> tuple[Any, Any]:
    """Take room.

    Args:
        builder: of LLVM's code.
        kind: of its elements.
        size: how many.

    Returns:
        What `restore` needs, and the pointer to the first element.
    """
    save = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(_POINTER, []), "llvm.stacksave"
    )
    saved = builder.call(save, [])
    room = builder.alloca(kind, size=size)
    room.align = 64
    return saved, room


def restore(builder: Any, saved: Any) -> None:
    """Give room back."""
    kind = ir.FunctionType(ir.VoidType(), [_POINTER])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.stackrestore")
    builder.call(function, [saved])
