"""Each process finds its place among the workers from what its launcher says."""

import json

import pytest

from rawtone.errors import UserError
from rawtone.training.roles import STARTED, Role, find

SRUN = {
    "SLURM_JOB_ID": "4711",
    "SLURM_STEP_ID": "3",
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_STEP_TASKS_PER_NODE": "2(x2)",
    "SLURM_STEP_NODELIST": "gpu[07-09,11],big1",
    "SLURM_PROCID": "2",
    "SLURM_LOCALID": "0",
}


def test_one_worker_is_alone_whatever_a_launcher_says() -> None:
    assert find(1, SRUN | {"TF_CONFIG": "nonsense"}) == Role()


def test_without_a_launcher_this_process_leads_and_starts_the_others() -> None:
    role = find(3, {})
    assert (role.rank, role.size, role.neighbours, role.launched) == (0, 3, 3, False)
    other = find(3, SRUN | {STARTED: "2 3 40001"})
    assert (other.rank, other.size, other.port, other.local) == (2, 3, 40001, 2)


def test_a_batch_script_of_slurm_that_no_srun_started_leads_too() -> None:
    """Slurm tells it of all tasks of the job, of which it is the only one that runs."""
    script = {"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_JOB_ID": "4711"}
    assert not find(4, script).launched
    assert not find(4, SRUN | {"SLURM_STEP_NUM_TASKS": "1"}).launched


def test_tasks_of_srun_meet_at_the_first_of_their_hosts() -> None:
    role = find(4, SRUN)
    assert (role.rank, role.size, role.host) == (2, 4, "gpu07")
    assert (role.local, role.neighbours, role.launched) == (0, 2, True)
    other = find(4, SRUN | {"SLURM_PROCID": "0"})
    assert other.port == role.port
    assert 12000 <= role.port < 32000
    assert find(4, SRUN | {"SLURM_STEP_ID": "4"}).port != role.port


@pytest.mark.parametrize(
    ("listed", "first"),
    [("vm", "vm"), ("a1,a2", "a1"), ("n[3,5]", "n3"), ("n[01-64]-ib", "n01-ib"), ("x,n[1-2]", "x")],
)
def test_the_first_host_of_a_list_is_found(listed: str, first: str) -> None:
    assert find(4, SRUN | {"SLURM_STEP_NODELIST": listed}).host == first


def tf_config(kind: str, index: int, **cluster: list[str]) -> dict[str, str]:
    """Return the variable as a launcher sets it."""
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


def test_tf_config_names_the_workers() -> None:
    workers = ["a:5000", "a:5001", "b:5000"]
    role = find(3, tf_config("worker", 1, worker=workers))
    assert role == Role(1, 3, "a", 5000, local=1, neighbours=2, launched=True)
    role = find(3, tf_config("worker", 1, chief=["a:1"], worker=["b:1", "b:2"]))
    assert (role.rank, role.host, role.local) == (2, "a", 1)


def test_another_number_of_processes_than_the_setting_is_refused() -> None:
    with pytest.raises(UserError, match=r"training.workers: expected .* found 8, and 4 by srun"):
        find(8, SRUN)
    with pytest.raises(UserError, match="found 2, and 1 by TF_CONFIG"):
        find(2, tf_config("worker", 0, worker=["a:1"]))


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"cluster": {"worker": []}, "task": {}}'])
def test_a_tf_config_that_makes_no_sense_is_one_line(text: str) -> None:
    with pytest.raises(UserError, match=r'TF_CONFIG: expected \{"cluster"') as error:
        find(2, {"TF_CONFIG": text})
    assert "\n" not in str(error.value)
