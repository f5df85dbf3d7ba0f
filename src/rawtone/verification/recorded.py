"""What a commit records: hashes in dvc.lock, and the small results that git holds."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from rawtone.errors import UserError

Stages = Mapping[str, Mapping[str, Any]]


def at(revision: str) -> Stages:
    """Return the stages that dvc.lock had at a commit, by name.

    Raises:
        UserError: there is no such commit, or it records nothing.
    """
    text = file_at(revision, "dvc.lock")
    if text is None:
        raise UserError(
            f"{revision}: expected a commit with dvc.lock, found none; commit dvc.lock after a "
            "build, or name another commit: rawtone verify COMMIT"
        )
    return _stages(text)


def file_at(revision: str, path: str) -> str | None:
    """Return the text of a file at a commit; None if it is not there."""
    command = ["git", "show", f"{revision}:./{path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def here() -> Stages:
    """Return the stages that dvc.lock has in the workspace, sure that the files are those.

    Raises:
        UserError: something is not built, or was changed since.
    """
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UserError(f"`dvc status` did not answer: {' '.join(done.stderr.split())[:200]}")
    if stale := sorted(json.loads(done.stdout)):
        shown = ", ".join(stale[:3]) + (" and others" if len(stale) > 3 else "")
        raise UserError(f"{shown}: not built, or changed since; run `snakemake`, then verify again")
    return _stages(Path("dvc.lock").read_text())


def outs(stage: Mapping[str, Any]) -> dict[str, str]:
    """Return the hashes of a stage's outputs by path."""
    return {out["path"]: out["md5"] for out in stage.get("outs", [])}


def made_from(stage: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a stage's outputs were made by: parameters, and hashes of code and settings."""
    own = ("src/", "settings/")
    deps = {dep["path"]: dep["md5"] for dep in stage.get("deps", [])}
    known = {path: md5 for path, md5 in deps.items() if path.startswith(own)}
    return known | {"params": stage.get("params")}


def _stages(text: str) -> Stages:
    stages: Stages = (yaml.safe_load(text) or {}).get("stages", {})
    return stages
