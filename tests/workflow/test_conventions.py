"""Files that other communities' tools look for say what is so."""

import re
import shlex
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def _instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions with what follows them, one line each."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines]


def test_the_container_gets_every_file_that_it_copies() -> None:
    let_through = [
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    copies = [shlex.split(rest) for verb, rest in _instructions() if verb == "COPY"]
    sources = [word for words in copies for word in words[:-1] if not word.startswith("--")]
    assert sorted(sources) == sorted(let_through)
    assert all((ROOT / source).exists() for source in sources)


def test_the_container_checks_hashes_and_runs_without_privileges() -> None:
    verbs = [verb for verb, _ in _instructions()]
    user = next(rest for verb, rest in _instructions() if verb == "USER")
    assert user != "root"
    installs = [rest for verb, rest in _instructions() if verb == "RUN" and "pip" in rest]
    assert all("--require-hashes" in rest or "--editable /project" in rest for rest in installs)
    assert all(
        verbs.index("USER") < i for i, rest in enumerate(_instructions()) if "pip" in rest[1]
    )


@pytest.mark.parametrize("beside", ["workflow/envs", ".snakemake/conda"])
def test_the_conda_environment_names_files_that_are_there(beside: str) -> None:
    """Its paths hold where it stands, and where Snakemake puts a copy to make the environment."""
    environment = yaml.safe_load((ROOT / "workflow/envs/rawtone.yaml").read_text())
    requires = re.search(r'requires-python = "(.*)"', (ROOT / "pyproject.toml").read_text())
    assert requires is not None
    assert environment["dependencies"][0] == "python=" + requires[1].split(",")[0].strip(">=")
    options = environment["dependencies"][-1]["pip"]
    paths = [word for line in options for word in line.split() if "/" in word]
    assert len(paths) == 2
    assert {((ROOT / beside) / path).resolve() for path in paths} == {
        ROOT.resolve(),
        (ROOT / "requirements.lock").resolve(),
    }


def test_the_catalog_promises_what_is_tested() -> None:
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["mandatory-flags"]["flags"] == []
    assert not any(usage["software-stack-deployment"].values())
    assert usage["report"] is True


def test_results_and_states_stay_out_of_git_and_dvc() -> None:
    """DVC looks through no folder of states, git through none of results."""
    dvc = (ROOT / ".dvcignore").read_text().split()
    git = (ROOT / ".gitignore").read_text().split()
    for folder in (".snakemake", "runs", "logs", "dvc_plots"):
        assert any(fnmatch(folder, pattern) for pattern in dvc)
        assert any(fnmatch(f"/{folder}/", pattern) or pattern == f"{folder}/" for pattern in git)
