"""The Slurm profile stands alone, so it has to agree with the default one and with the rules."""

from pathlib import Path

import yaml

WORKFLOW = Path(__file__).parents[2] / "workflow"
SHARED = ("rerun-triggers", "max-checksum-file-size", "rerun-incomplete", "keep-going")


def _profile(name: str) -> dict[str, object]:
    return yaml.safe_load((WORKFLOW / "profiles" / name / "config.yaml").read_text())


def test_it_judges_what_is_out_of_date_as_the_default_profile_does():
    """Else a switch between the two would build everything anew."""
    default, slurm = _profile("default"), _profile("slurm")
    assert {key: slurm[key] for key in SHARED} == {key: default[key] for key in SHARED}


def test_every_stage_with_resources_is_a_rule_that_is_submitted():
    """A name that no rule has would be passed over in silence."""
    rules = {file.stem: file.read_text() for file in (WORKFLOW / "rules").glob("*.smk")}
    for name in _profile("slurm")["set-resources"]:
        assert f"rule {name}:" in rules[name]
        assert "localrule" not in rules[name]
        assert "mem_mb" in rules[name]
        assert "runtime" in rules[name]
