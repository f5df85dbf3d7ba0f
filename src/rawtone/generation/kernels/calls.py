"""Functions within machine code, which each module has once: it compiles sooner."""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils


def call(builder: Any, name: str, given: list[Any], emit: Callable[..., None]) -> None:
    """Emit a call of a function, and the function where the module does not have it yet.

    It is given pointers and numbers: each of numba's arrays would be seven arguments and more.

    Args:
        builder: where the call goes.
        name: of the function; it stands for its body and for the kinds of what is given.
        given: its arguments.
        emit: emits its body, given a builder and the arguments.
    """
    kind = ir.FunctionType(ir.VoidType(), [value.type for value in given])
    function = cgutils.get_or_insert_function(builder.module, kind, f"rawtone.{name}")
    if function.is_declaration:
        function.linkage = "linkonce_odr"
        function.attributes.add("noinline")
        body = ir.IRBuilder(function.append_basic_block("entry"))
        emit(body, *function.args)
        body.ret_void()
    builder.call(function, given)
