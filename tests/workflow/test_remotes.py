"""What one machine built, another has after a pull: through a folder, a real sshd, and S3."""

import getpass
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(240)

SSHD = Path(__file__).parents[1] / "cluster/sshd.sh"


@dataclass(frozen=True)
class Store:
    """A remote: its address, and what only a machine that uses it may know."""

    url: str
    secrets: dict[str, str] = field(default_factory=dict)

    def add(self, project) -> None:
        """Make it the remote of a project, and commit that."""
        project.run("dvc", "remote", "add", "--default", "store", self.url)
        self.unlock(project)
        project.commit()

    def unlock(self, project) -> None:
        """Tell a machine the secrets."""
        for option, value in self.secrets.items():
            project.run("dvc", "remote", "modify", "--local", "store", option, value)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Sshd:
    """A real sshd that lets in whoever runs the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()

    def start(self) -> None:
        """Listen."""
        subprocess.run([SSHD, "start", self.folder, str(self.port)], check=True)

    def stop(self) -> None:
        """End, and cut all connections."""
        subprocess.run([SSHD, "stop", self.folder], check=True)

    def store(self, path: Path) -> Store:
        """Return a folder of this machine as a remote."""
        url = f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{path}"
        return Store(url, {"keyfile": str(self.folder / "key")})


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """A running sshd."""
    if shutil.which("sshd", path="/usr/bin:/usr/sbin:/sbin") is None:
        pytest.skip("needs sshd; install it with: tests/cluster/sshd.sh install")
    if find_spec("dvc_ssh") is None:
        pytest.skip("needs dvc-ssh; install it with: pip install dvc-ssh")
    server = Sshd(tmp_path / "sshd")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[Store]:
    """An empty bucket of a server that speaks S3."""
    if find_spec("moto") is None or find_spec("dvc_s3") is None:
        pytest.skip("needs packages; install them with: pip install dvc-s3 'moto[server]'")
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "s3.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        make_bucket(f"{url}/bucket")
        keys = {"access_key_id": "a-key-of-mine", "secret_access_key": "not-for-git"}
        yield Store("s3://bucket/rawtone", {"endpointurl": url, **keys})
    finally:
        server.terminate()
        server.wait()


def make_bucket(url: str) -> None:
    """Make a bucket as soon as the server answers."""
    for _ in range(300):
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="PUT")).close()
            return
        except urllib.error.URLError:
            time.sleep(0.1)
    raise TimeoutError(url)


CLUSTER = pytest.mark.cluster


@pytest.fixture(
    params=["folder", pytest.param("ssh", marks=CLUSTER), pytest.param("s3", marks=CLUSTER)]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store of each kind."""
    if request.param == "ssh":
        return request.getfixturevalue("sshd").store(tmp_path / "store")
    if request.param == "s3":
        return request.getfixturevalue("s3")
    return Store(str(tmp_path / "store"))


def files(project) -> dict[str, bytes]:
    """Return the content of all that is built, by name."""
    built = [p for top in ("data", "results", "report") for p in (project.root / top).rglob("*")]
    return {
        str(path.relative_to(project.root)): path.read_bytes()
        for path in built
        if path.is_file() and path.name != ".snakemake_timestamp"
    }


def pulled(project, store: Store, root: Path):
    """Return a clone that has pulled."""
    clone = project.clone(root)
    store.unlock(clone)
    clone.run("dvc", "pull")
    return clone


def test_pull_gives_the_same_files_and_leaves_nothing_to_do(project, store, tmp_path):
    """And what lets a machine in stays on that machine, out of git."""
    store.add(project)
    project.run("dvc", "push")
    clone = pulled(project, store, tmp_path / "elsewhere" / "clone")
    assert not clone.plan() and not clone.status()
    assert files(clone) == files(project)
    for secret in store.secrets.values():
        assert project.run("git", "grep", "--fixed-strings", secret, check=False).returncode == 1


def test_store_that_cannot_take_one_file(project, tmp_path):
    """The push names it and ends as failed; pushed again when that is mended, all is there."""
    store = Store(str(tmp_path / "store"))
    store.add(project)
    cache = project.root / ".dvc/cache/files/md5"
    folder, name = min(path.relative_to(cache).parts for path in cache.glob("*/*"))
    in_the_way = tmp_path / "store/files/md5" / folder / name
    in_the_way.mkdir(parents=True)
    failed = project.run("dvc", "push", check=False)
    assert failed.returncode != 0
    assert str(in_the_way) in failed.stderr
    assert "Traceback" not in failed.stderr
    in_the_way.rmdir()
    project.run("dvc", "push")
    assert files(pulled(project, store, tmp_path / "clone")) == files(project)


@CLUSTER
def test_connection_that_ends_half_way_through_a_push(project, sshd, tmp_path):
    """What arrived in part is not taken for whole; a second push completes it."""
    store = sshd.store(tmp_path / "store")
    store.add(project)
    big = project.root / "data/raw/demo/big.wav"
    big.write_bytes(random.Random(0).randbytes(100_000_000))
    project.run("dvc", "commit", "--force", "fetch@demo")
    push = subprocess.Popen(
        ["dvc", "push"],
        cwd=project.root,
        env=project.environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    wait_for_a_part(tmp_path / "store", push)
    sshd.stop()
    said = push.communicate()[1]
    assert push.returncode != 0
    assert "Connection not open" in said or "Connection lost" in said
    assert "Traceback" not in said
    sshd.start()
    project.commit()
    project.run("dvc", "push")
    assert files(pulled(project, store, tmp_path / "clone")) == files(project)


def wait_for_a_part(store: Path, push: subprocess.Popen[str]) -> None:
    """Wait until some of a big file has arrived."""
    while push.poll() is None:
        sizes = [path.stat().st_size for path in store.rglob("*.tmp") if path.exists()]
        if any(size > 1_000_000 for size in sizes):
            return
        time.sleep(0.01)
    raise AssertionError("the push ended before it was half-way")
