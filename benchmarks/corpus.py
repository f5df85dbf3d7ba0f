"""What a large corpus costs beyond ffmpeg's own time, and what one more track costs.

Makes short recordings of mixed formats, builds them into chunks by the real stages, and runs the
same ffmpeg commands on the same files by themselves, with as many workers. Then it builds with
nothing to do, adds a recording and builds again; and does the same through Snakemake and DVC.

    python benchmarks/corpus.py [--tracks 10000] [--folder where] [--keep]
"""

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import psutil
import soundfile

from rawtone.audio import ffmpeg

ROOT = Path(__file__).parents[1]
CHUNKS = "data/chunks/many/corpus.json"
PARAMS = """\
corpora:
  many:
    sources: [{folder: music}]
    chunk: {seconds: 2, overlap: 0.25}
experiments:
  many: {corpus: many, preset: wavenet-demo, training: {window: 4000}}
"""
RATES = (8000, 16000, 22050, 44100, 48000)
ENDINGS = ("wav", "flac", "mp3", "ogg", "m4a")
SUBTYPES = ("PCM_16", "PCM_24", "FLOAT")
AT_ONCE = 50  # m4a that one call of ffmpeg cuts from one recording
WHO = (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)
LOOK_EVERY = 0.25  # seconds; to look at all processes takes some work, too
SHORTEST, LONGEST = 1.0, 4.0  # seconds
# Runs a stage as `rawtone` does, and keeps what it starts: the calls of ffmpeg.
STAGE = """\
import json, sys
from pathlib import Path
started = []
sys.addaudithook(lambda event, given: event == "subprocess.Popen" and started.append(given[1]))
from rawtone import cli
status = cli.main(sys.argv[2:])
Path(sys.argv[1]).write_text(json.dumps([list(map(str, command)) for command in started]))
sys.exit(status)
"""


def music(number: int, rate: int, channels: int) -> np.ndarray:
    """Return a few notes and a little noise, other ones for each number: [samples, channels]."""
    random = np.random.default_rng(number)
    samples = int(random.uniform(SHORTEST, LONGEST) * rate)
    time_of = np.arange(samples)[:, None] / rate
    notes = random.uniform(110, 1800, (4, channels))
    tones = sum(np.sin(2 * np.pi * note * time_of) * np.exp(-time_of) for note in notes)
    return (0.1 * tones + random.normal(0, 0.01, (samples, channels))).astype(np.float32)


def form(number: int) -> tuple[int, int]:
    """Return rate and channels of a recording."""
    return RATES[number // len(ENDINGS) % len(RATES)], 1 + number // 7 % 2


def record(folder: Path, numbers: list[int]) -> None:
    """Write recordings of one ending."""
    ending = ENDINGS[numbers[0] % len(ENDINGS)]
    if ending == "m4a":
        record_m4a(folder, numbers)
        return
    for number in numbers:
        rate, channels = form(number)
        subtype = SUBTYPES[number % len(SUBTYPES)] if ending == "wav" else None
        soundfile.write(place(folder, number), music(number, rate, channels), rate, subtype=subtype)


def record_m4a(folder: Path, numbers: list[int]) -> None:
    """Cut recordings from one: to start an encoder for each would take most of the time."""
    rate, channels = form(numbers[0])
    parts = [music(number, rate, channels) for number in numbers]
    ends = np.cumsum([len(part) for part in parts]) / rate
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch, "whole.wav")
        soundfile.write(whole, np.concatenate(parts), rate)
        times = ",".join(f"{end:.6f}" for end in ends)
        cut = ["-f", "segment", "-segment_times", times, "-segment_format", "ipod"]
        exact = ["-fflags", "+bitexact", "-c:a", "aac", "-b:a", "96k"]
        ffmpeg.run(["-i", str(whole), *exact, *cut, f"{scratch}/%05d.m4a"])
        made = sorted(Path(scratch).glob("*.m4a"))[: len(numbers)]  # what is left over may follow
        for number, file in zip(numbers, made, strict=True):
            shutil.move(file, place(folder, number))


def place(folder: Path, number: int) -> Path:
    """Return where a recording lies: not more than a hundred in a folder."""
    return folder / f"{number // 100:04d}/{number:06d}.{ENDINGS[number % len(ENDINGS)]}"


def make(folder: Path, tracks: int) -> int:
    """Make recordings where there are none yet; return how many there are."""
    if folder.exists():
        return sum(file.is_file() for file in folder.rglob("*"))
    for number in range(0, tracks, 100):
        place(folder, number).parent.mkdir(parents=True, exist_ok=True)
    jobs = []
    for ending in range(len(ENDINGS)):
        of_form: dict[tuple[int, int], list[int]] = {}
        for number in range(ending, tracks, len(ENDINGS)):
            of_form.setdefault(form(number), []).append(number)
        jobs += [n[i : i + AT_ONCE] for n in of_form.values() for i in range(0, len(n), AT_ONCE)]
    with ProcessPoolExecutor() as pool:
        list(pool.map(record, [folder] * len(jobs), jobs))
    return sum(file.is_file() for file in folder.rglob("*"))


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and of all cores together."""

    seconds: float
    work: float

    @classmethod
    def now(cls) -> Self:
        """Return what has passed, and was worked here and by all that has ended below."""
        below, here = (resource.getrusage(who) for who in WHO)
        work = below.ru_utime + below.ru_stime + here.ru_utime + here.ru_stime
        return cls(time.perf_counter(), work)

    def __add__(self, other: Self) -> Self:
        """Return both together."""
        return type(self)(self.seconds + other.seconds, self.work + other.work)

    def __sub__(self, other: Self) -> Self:
        """Return what this is more."""
        return type(self)(self.seconds - other.seconds, self.work - other.work)


class Peak:
    """The most memory that a process and all below it were seen to take together."""

    def __init__(self) -> None:
        """Begin with none."""
        self.bytes = 0

    def watch(self, process: int, ended: threading.Event) -> None:
        """Look again and again until the process has ended."""
        while not ended.wait(LOOK_EVERY):
            try:
                top = psutil.Process(process)
                tree = [top, *top.children(recursive=True)]
                self.bytes = max(self.bytes, sum(map(resident, tree)))
            except psutil.Error:
                continue


def resident(process: psutil.Process) -> int:
    """Return what a process has in memory, nothing if it is gone."""
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


class Project:
    """A project of one large corpus, in a folder of its own."""

    def __init__(self, root: Path) -> None:
        """Copy what a project needs; its recordings lie in `music`."""
        self.root, self.peak = root, Peak()
        root.mkdir()
        for name in (
            "Snakefile",
            "dvc.yaml",
            ".dvc",
            ".dvcignore",
            ".gitignore",
            "workflow",
            "src",
        ):
            source, target = ROOT / name, root / name
            ignored = shutil.ignore_patterns("__pycache__", "cache", "tmp", "config.local")
            if source.is_dir():
                shutil.copytree(source, target, ignore=ignored)
            else:
                shutil.copy(source, target)
        (root / "profiles").symlink_to("workflow/profiles")
        (root / "params.yaml").write_text(PARAMS)
        self.run("git", "init", "--quiet")

    def run(self, *command: str) -> Cost:
        """Run a command of this environment."""
        beside_us = str(Path(sys.executable).parent)
        environment = os.environ | {
            "PATH": f"{beside_us}:{os.environ['PATH']}",
            "PYTHONPATH": str(self.root / "src"),
            "DVC_SITE_CACHE_DIR": str(self.root.parent / "site-cache"),
            "DVC_NO_ANALYTICS": "1",
        }
        printed, ended = self.root.parent / "printed.txt", threading.Event()
        before = Cost.now()
        with printed.open("w") as out:
            process = subprocess.Popen(
                command, cwd=self.root, env=environment, stdout=out, stderr=out
            )
            watching = threading.Thread(target=self.peak.watch, args=(process.pid, ended))
            watching.start()
            status = process.wait()
            took = Cost.now() - before
            ended.set()
            watching.join()
        if status:
            raise SystemExit(printed.read_text()[-4000:])
        return took

    def stage(self, name: str) -> tuple[Cost, list[list[str]]]:
        """Run a stage; return what it took, and the calls of ffmpeg that it made."""
        calls = self.root.parent / "calls.json"
        of_corpus = [] if name == "settings" else ["many"]
        took = self.run(sys.executable, "-c", STAGE, str(calls), name, *of_corpus)
        return took, [call for call in json.loads(calls.read_text()) if "-i" in call]

    def build(self) -> tuple[dict[str, Cost], list[list[str]]]:
        """Run all stages up to chunk; return what each took, and the calls of ffmpeg."""
        took, calls = {}, []
        for name in ("settings", "fetch", "convert", "chunk"):
            took[name], made = self.stage(name)
            calls += made
        return took, calls


def bare(root: Path, calls: list[list[str]]) -> Cost:
    """Run calls of ffmpeg by themselves, as many at once as convert does."""
    none = subprocess.DEVNULL

    def call(command: list[str]) -> None:
        # What convert has it write to a file of its own that is open.
        given = [re.sub(r"^pipe:\d+$", "pipe:1", word) for word in command]
        done = subprocess.run(given, cwd=root, stdin=none, stdout=none, stderr=none, check=False)
        assert done.returncode == 0, " ".join(given)

    before = Cost.now()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(call, calls))
    return Cost.now() - before


def told(what: str, cost: Cost, more: str = "") -> None:
    """Print what something took."""
    print(f"{what:50}{cost.seconds:9.1f} s{cost.work:9.1f} s{more}", flush=True)


def told_stages(what: str, took: dict[str, Cost]) -> None:
    """Print what the stages took, together and each."""
    each = ", ".join(f"{stage} {cost.seconds:.1f}" for stage, cost in took.items())
    told(what, sum(took.values(), Cost(0, 0)), f"   ({each})")


@contextmanager
def somewhere(folder: str | None, keep: bool):
    """Give a folder to work in."""
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="rawtone-corpus-", dir=folder))
    try:
        yield made
    finally:
        if keep:
            print(f"kept: {made}")
        else:
            shutil.rmtree(made)


def by_stages(project: Project, rounds: int) -> None:
    """Measure the stages by themselves."""
    first, calls = project.build()
    alone = min((bare(project.root, calls) for _ in range(rounds)), key=lambda cost: cost.seconds)
    for left in (project.root / "data/tracks/many").glob(".*"):
        left.unlink()
    told_stages("first build", first)
    told(f"the same {len(calls)} calls of ffmpeg alone", alone)
    whole = sum(first.values(), Cost(0, 0))
    for what, cost in (("", whole - first["settings"]), (", listing included", whole)):
        by_clock, by_work = cost.seconds / alone.seconds - 1, cost.work / alone.work - 1
        print(f"{f'overhead{what}':50}{100 * by_clock:9.1f} %{100 * by_work:9.1f} %")
    told_stages("nothing to do", project.build()[0])
    add(project, 0)
    more, calls = project.build()
    told_stages(f"one track more ({len(calls)} calls of ffmpeg)", more)


def add(project: Project, number: int) -> None:
    """Add a recording to the folder, other than all made before."""
    path = project.root / f"music/more-{number}.flac"
    soundfile.write(path, music(10_000_000 + number, 44100, 2), 44100)


def by_workflow(project: Project) -> None:
    """Measure the same through Snakemake, which has DVC record what was made."""
    build = ("snakemake", "--forcerun", "fetch", "convert", "chunk", "--", CHUNKS)
    told("snakemake, all stages again, and DVC records", project.run(*build))
    told("snakemake -n, nothing to do", project.run("snakemake", "-n", CHUNKS))
    add(project, 1)
    told("snakemake, one track more, and DVC records", project.run("snakemake", CHUNKS))
    told("snakemake -n, nothing to do", project.run("snakemake", "-n", CHUNKS))


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=1, help="of ffmpeg alone")
    parser.add_argument("--folder", help="where to work; its file system is measured")
    parser.add_argument("--recordings", help="made before, on the same file system")
    parser.add_argument("--keep", action="store_true", help="leave the project there")
    parser.add_argument("--stages-only", action="store_true", help="without Snakemake and DVC")
    options = parser.parse_args()
    with somewhere(options.folder, options.keep) as folder:
        project = Project(folder / "project")
        start = time.perf_counter()
        if options.recordings:
            shutil.copytree(options.recordings, project.root / "music", copy_function=os.link)
        made = make(project.root / "music", options.tracks)
        print(f"{made} recordings made in {time.perf_counter() - start:.0f} s", flush=True)
        print(f"{'':50}{'by the clock':>11}{'all cores':>11}")
        by_stages(project, options.rounds)
        if not options.stages_only:
            by_workflow(project)
        print(f"{'peak memory of a stage and all below it':50}{project.peak.bytes / 1e6:9.0f} MB")


if __name__ == "__main__":
    main()
