"""Experiments of DVC's: in the workspace, in a temporary copy, and queued as a sweep."""

import json
import time

import pytest

pytestmark = pytest.mark.timeout(400)

OF_WIDE = ["sample@wide", "evaluate@wide", "report"]


def finished(project) -> bool:
    """Both tools have nothing to do."""
    return not project.plan() and not project.status()


def settings_of(project) -> dict[str, int]:
    """Return the seconds of clips of each experiment that DVC knows, by its name."""
    listed = json.loads(project.run("dvc", "exp", "show", "--json").stdout)
    shown = [one for baseline in listed for one in baseline.get("experiments") or []]
    revisions = [one["revs"][0] for one in shown]
    return {
        one["name"]: one["data"]["params"]["params.yaml"]["data"]["experiments"]["wide"][
            "sampling"
        ]["seconds"]
        for one in revisions
    }


@pytest.fixture
def committed(project):
    """Return a built project whose results are committed, as one has before experiments."""
    project.commit()
    return project


def test_an_experiment_in_the_workspace_and_back(committed):
    """It redoes what the setting affects, shows in the table, and leaving it costs nothing."""
    committed.run("dvc", "exp", "run", "-S", "experiments.wide.sampling.seconds=3", "-n", "three")
    assert committed.ran() == OF_WIDE
    assert finished(committed)
    assert settings_of(committed) == {"three": 3}
    committed.run("git", "checkout", "--quiet", ".")
    committed.run("dvc", "checkout")
    assert finished(committed)


def test_a_temporary_experiment_trains_in_the_project_it_came_from(committed):
    """So that the checkpoints of a long training outlive the copy that DVC makes and deletes."""
    before = set((committed.root / "runs").iterdir())
    edit = "experiments.wide.training.steps=7"
    committed.run("dvc", "exp", "run", "--temp", "-S", f"+{edit}", "-n", "longer")
    assert committed.ran() == []
    assert len(set((committed.root / "runs").iterdir()) - before) == 1
    assert finished(committed)
    committed.run("dvc", "exp", "apply", "longer")
    assert finished(committed)
    assert "steps: 7" in (committed.root / "params.yaml").read_text()


def test_code_of_a_temporary_experiment_is_its_own(committed):
    """Though the installed package is that of the workspace, which may be edited meanwhile."""
    code = "src/rawtone/stages/sample.py"
    committed.run("dvc", "exp", "run", "--queue", "-S", "experiments.wide.sampling.seconds=3")
    whole = (committed.root / code).read_text()
    (committed.root / code).write_text("raise SystemExit('edited while the queue waited')\n")
    committed.run("dvc", "queue", "start")
    _wait_for_the_queue(committed)
    (committed.root / code).write_text(whole)
    assert list(settings_of(committed).values()) == [3]


def test_a_queued_sweep(committed):
    """Every value becomes an experiment; the workspace stays as it is."""
    sweep = "experiments.wide.sampling.seconds=3,4"
    committed.run("dvc", "exp", "run", "--queue", "-S", sweep)
    committed.run("dvc", "queue", "start")
    _wait_for_the_queue(committed)
    assert sorted(settings_of(committed).values()) == [3, 4]
    assert finished(committed)


def _wait_for_the_queue(project) -> None:
    for _ in range(150):
        told = project.run("dvc", "queue", "status").stdout
        if "Running" not in told and "Queued" not in told:
            assert "Failed" not in told, told
            return
        time.sleep(1)
    raise AssertionError(told)
