"""One process per run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rawtone.errors import UserError
from rawtone.training.lock import exclusive


def test_a_second_process_is_refused_and_told_who_holds_the_run(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rawtone.training.lock import exclusive\n"
        "with exclusive(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(UserError, match=f"process {holder.pid} on"), exclusive(tmp_path):
            pass
        holder.stdin.close()
    with exclusive(tmp_path):
        assert f"process {os.getpid()} on" in (tmp_path / "lock").read_text()
