"""A tool killed with SIGKILL in any stage: the same command again, and both are of one mind."""

import os
import signal
import time

import pytest

pytestmark = pytest.mark.timeout(1800)

VERBS = ("fetch", "convert", "chunk", "train", "sample", "parse-log", "evaluate", "report")


@pytest.mark.parametrize("tool", [("snakemake",), ("dvc", "repro")], ids=["snakemake", "dvc"])
def test_killed_with_half_of_a_stages_files_written(project, start, tool) -> None:
    """No lock has to be taken away, no file to be deleted by hand."""
    for verb in VERBS:
        code = project.root / f"src/rawtone/stages/{verb.replace('-', '_')}.py"
        code.write_text(f"{code.read_text()}# so that it has to run\n")
        (project.root / "hang").write_text(verb)
        session = start(*tool)
        _wait_until_it_hangs(project, session)
        os.kill(session.process.pid, signal.SIGKILL)
        session.end()
        for name in ("hang", "hanging"):
            (project.root / name).unlink()
        project.run(*tool)
        assert not project.plan(), verb
        assert not project.status(), verb


def _wait_until_it_hangs(project, session) -> None:
    deadline = time.monotonic() + 300  # a loaded machine takes its time
    while not (project.root / "hanging").exists():
        assert time.monotonic() < deadline, session.printed.read_text()
        assert session.process.poll() is None, session.printed.read_text()
        time.sleep(0.05)
