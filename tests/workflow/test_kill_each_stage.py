"""A tool killed with SIGKILL in every stage: the same command goes on, and both are of one mind."""

import os
import signal
import time

import pytest

pytestmark = pytest.mark.timeout(1800)

VERBS = ("fetch", "convert", "chunk", "train", "sample", "parse-log", "evaluate", "report")


@pytest.mark.parametrize("tool", [("snakemake",), ("dvc", "repro")], ids=["snakemake", "dvc"])
def test_killed_with_half_of_a_stages_files_written(project, start, tool) -> None:
    """Stage after stage; no lock has to be taken away, no file to be deleted by hand.

    What goes on after the kill in one stage is killed in the next. In between, or in the end, each
    stage whose files were half written is made again, to what an undisturbed build made.
    """
    before, again = _built(project), set()
    for verb in VERBS:
        code = project.root / f"src/rawtone/stages/{verb.replace('-', '_')}.py"
        code.write_text(f"{code.read_text()}# so that it has to run\n")
    for verb in VERBS:
        (project.root / "hang").write_text(verb)
        _kill_when_it_hangs(project, start(*tool))
        again |= _ran(project)
        again.discard(verb)
    project.run(*tool)
    assert again | _ran(project) == set(VERBS)
    assert not project.plan()
    assert not project.status()
    assert _built(project) == before


def test_snakemake_makes_clips_anew_whose_stage_was_killed(project, start) -> None:
    """As the system kills it where memory is short; tests/stages show that it goes on."""
    before = _built(project)
    code = project.root / "src/rawtone/stages/sample.py"
    code.write_text(f"{code.read_text()}# so that it has to run\n")
    (project.root / "hang").write_text("sample")
    session = start("snakemake", "results/demo/clips.json")
    _wait_until_it_hangs(project, session)
    _forget_to_hang(project)
    os.kill(session.find("rawtone", "sample"), signal.SIGKILL)
    assert session.end() == 0, session.printed.read_text()
    assert session.printed.read_text().count("trying again") == 1
    assert _ran(project) == {"sample"}
    assert _built(project) == before


def _kill_when_it_hangs(project, session) -> None:
    """Kill a tool when a stage has written its first file, and hangs."""
    _wait_until_it_hangs(project, session)
    os.kill(session.process.pid, signal.SIGKILL)
    session.end()
    _forget_to_hang(project)


def _wait_until_it_hangs(project, session) -> None:
    deadline = time.monotonic() + 300  # a loaded machine takes its time
    while not (project.root / "hanging").exists():
        assert time.monotonic() < deadline, session.printed.read_text()
        assert session.process.poll() is None, session.printed.read_text()
        time.sleep(0.05)


def _forget_to_hang(project) -> None:
    for name in ("hang", "hanging"):
        (project.root / name).unlink()


def _ran(project) -> set[str]:
    """Return the verbs of all stages that came to their ends since this was last asked."""
    return {name.partition("@")[0] for name in project.ran()}


def _built(project) -> dict[str, bytes]:
    """Return the content of all that stages made, by name."""
    folders = (project.root / name for name in ("data", "results", "report"))
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    return {str(f.relative_to(project.root)): f.read_bytes() for f in files if f.name[0] != "."}
