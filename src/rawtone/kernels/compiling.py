"""Compile kernels by numba, and keep the machine code on disk."""

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import config, njit


@cache
def folder() -> str:
    """Return a place for machine code that another version of these sources does not share.

    numba looks only at the file of the compiled function, and not at those of the functions and
    instructions that it is made of.
    """
    digest = hashlib.sha256()
    ours = Path(__file__).parents[1]
    for source in sorted(ours.glob("**/kernels/*.py")):
        digest.update(str(source.relative_to(ours)).encode() + b"\0" + source.read_bytes())
    chosen = config.CACHE_DIR or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return str(Path(chosen, "rawtone", "kernels", digest.hexdigest()[:16]))


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a kernel when it is first called; other threads run while it does.

    Args:
        function: that Python code calls. What it calls itself is plain `numba.njit`.
    """
    before, config.CACHE_DIR = config.CACHE_DIR, folder()
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no folder can be written to: it is compiled anew in each process
        return njit(nogil=True)(function)
    finally:
        config.CACHE_DIR = before
