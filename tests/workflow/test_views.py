"""DVC's own tables and plots of a built project, with no set-up, as in docs/tables-and-plots.md."""

import json
import re
import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from snakemake.assets import Assets

from rawtone.stages import report

_ADDED = "  tall: {corpus: demo, preset: wavenet-demo, sampling: {seconds: 3}}\n"
_TEXTS = "[...document.querySelectorAll('svg text')].map((t) => t.textContent)"
_SETS = """\
step,temperature,clips,windows,kernel_distance,kernel_distance_null
{0},0.9,8,80,0.31,0.03
{0},1.0,8,80,0.35,0.03
{1},0.9,8,80,0.11,0.03
{1},1.0,8,80,0.09,0.03
"""
_LINES = "document.querySelectorAll('.mark-line path[d*=L]').length"


@pytest.fixture(scope="module")
def measured(by_snakemake, tmp_path_factory):
    """Two commits of a project with tables in their real form, the second better than the first."""
    project = by_snakemake.copy(tmp_path_factory.mktemp("measured") / "project")
    published = runpy.run_path(str(Path(__file__).parents[1] / "report/published.py"))
    for steps in ((200, 400), (400, 800)):
        root = tmp_path_factory.mktemp("published")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(root)
            published["publish"](root, steps=steps, seeds=(0,), seconds=0.5)
            report.run()
        (root / "results/demo/sets.csv").write_text(_SETS.format(*steps))
        tables = [f"results/demo/{name}.csv" for name in ("history", "bits", "sets")]
        for file in (*tables, "report/bits.csv"):
            shutil.copy(root / file, project.root / file)
        shutil.copytree(root / "results/demo", project.root / "results/wide", dirs_exist_ok=True)
        project.run("dvc", "commit", "--force", "parse-log", "evaluate", "report")
        project.commit()
    return project


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page in which DVC's plots find Vega, which they else load from the network."""
    page = browser.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    page.route(re.compile("^https?:"), lambda route: route.fulfill(body=_vega(route.request.url)))
    yield page
    page.close()
    assert wrong == []


def _vega(url: str) -> str:
    """Return the program of that address, in the version that comes with Snakemake."""
    name = url.rpartition("/")[2].partition("@")[0]
    return Assets.get_content(f"{name}/{name}.js")


def _drawn(page: Page, project, *command: str) -> list[str]:
    address = project.run("dvc", "plots", *command).stdout.splitlines()[-1]
    page.goto(address)
    page.wait_for_function("document.querySelectorAll('svg.marks').length >= 7")
    texts: list[str] = page.evaluate(_TEXTS)
    return texts


def test_plots_show_how_each_learned_and_all_side_by_side(page: Page, measured) -> None:
    texts = _drawn(page, measured, "show")
    for title in (
        "demo: how it learned",
        "demo: its checkpoints on held-out recordings",
        "demo: its clips beside held-out recordings",
    ):
        assert title in texts
        assert title.replace("demo", "wide") in texts
    assert "the checkpoints of all experiments on held-out recordings" in texts
    assert texts.count("bits per sample (less is better)") == 5
    assert texts.count("kernel distance of its clips (less is better)") == 2
    assert texts.count("step") == 7
    for legend in ("training (trend)", "held-out recordings", "validation", "test"):
        assert legend in texts
    # training and held-out, or validation and test, or two temperatures
    assert page.evaluate(_LINES) == 2 * 7
    assert measured.run("git", "status", "--short").stdout == ""


def test_plots_diff_draws_both_revisions(page: Page, measured) -> None:
    texts = _drawn(page, measured, "diff", "HEAD~1")
    assert texts.count("HEAD~1") == texts.count("workspace") == 7
    assert page.evaluate(_LINES) == 2 * 2 * 7


def test_a_new_experiment_has_its_plots_and_figures(project) -> None:
    with (project.root / "params.yaml").open("a") as params:
        params.write(_ADDED)
    project.run("snakemake")
    assert "results/tall/metrics.json" in project.run("dvc", "metrics", "show").stdout
    plots = project.run("dvc", "plots", "show", "--json").stdout
    assert "tall: how it learned" in plots


def test_an_edit_is_told_in_parameters_and_figures(project) -> None:
    project.commit()
    project.edit("params.yaml", "seconds: 2", "seconds: 4")
    project.run("snakemake")
    params = json.loads(project.run("dvc", "params", "diff", "--json").stdout)
    seconds = {"experiments.wide.sampling.seconds": {"old": 2, "new": 4, "diff": 2}}
    assert params == {"params.yaml": seconds}
    figures = json.loads(project.run("dvc", "metrics", "diff", "--json").stdout)
    assert set(figures) == {"results/wide/metrics.json"}


def test_a_table_of_experiments_has_no_column_that_says_nothing(project) -> None:
    """What --drop leaves out are checksums of what the stages read."""
    project.commit()
    project.run("dvc", "exp", "run", "--set-param", "experiments.wide.sampling.seconds=4")
    drop = r"^(data|results|settings|src)\b[^:]*$"
    shown = project.run("dvc", "exp", "show", "--csv", "--only-changed", "--drop", drop).stdout
    columns = shown.splitlines()[0].split(",")
    assert "experiments.wide.sampling.seconds" in columns
    figures = [column for column in columns if column.startswith("results/")]
    assert all(column.startswith("results/wide/metrics.json:") for column in figures)
    assert not [column for column in columns if column.startswith(("src/", "data", "settings"))]


def test_before_anything_is_built_there_is_nothing_and_no_error(pristine) -> None:
    for view in (["metrics", "show"], ["params", "diff"], ["exp", "show"]):
        pristine.run("dvc", *view)
