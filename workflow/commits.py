"""Bring what a borrowed machine built, as commits, to where others find it.

Where the repository may be pushed to, they go there. Where not, as in a notebook without a token,
they go into one file, from which any clone pulls them: `git pull <file> <branch>`.
"""

import os
import subprocess
from pathlib import Path

from rawtone.errors import UserError

_NOBODY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "rawtone"), ("EMAIL", "rawtone@localhost"))
}


class GitError(Exception):
    """A git command failed; the text is its complaint."""


class Commits:
    """The commits of a clone that its origin does not have yet.

    Args:
        folder: the clone; a branch is checked out.
        unpushed: the file for commits that the origin does not take.
    """

    def __init__(self, folder: Path, unpushed: Path) -> None:
        self._folder = folder
        self._unpushed = unpushed
        # A push that needs a password fails, rather than to wait for one.
        self._environment = os.environ | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        if not self._succeeds("config", "user.email"):
            self._environment |= _NOBODY
        self._branch = self._git("branch", "--show-current")
        self._origin = f"origin/{self._branch}"

    def catch_up(self) -> None:
        """Take over what others have pushed, and what an earlier session could not push.

        Raises:
            UserError: the two do not go together, or the origin does not answer.
        """
        try:
            self._git("fetch", "origin")
        except GitError as error:
            raise UserError(f"{self._folder}: the repository does not answer ({error})") from None
        before = self._git("rev-parse", "HEAD")
        try:
            if self._unpushed.exists():
                self._take_unpushed()
            self._rebase(self._origin)
        except GitError as error:
            self._git("reset", "--keep", before)
            raise UserError(self._conflict(error)) from None

    def _take_unpushed(self) -> None:
        self._git("fetch", str(self._unpushed), self._branch)
        if not self._succeeds("merge-base", "--is-ancestor", "FETCH_HEAD", "HEAD"):
            self._rebase("--onto", "FETCH_HEAD", self._origin)

    def _conflict(self, error: GitError) -> str:
        if not self._unpushed.exists():
            return (
                f"{self._folder}: its commits do not go on top of {self._origin} ({error}); "
                "push them to another branch, or remove the folder to do without them"
            )
        return (
            f"{self._unpushed}: its commits do not go on top of {self._origin} ({error}); merge "
            f"them at home (git pull FILE {self._branch}), push, and remove the file, or remove "
            "it to do without them"
        )

    def put_away(self) -> str:
        """Commit dvc.lock, the results that are for git, and every edit of a known file; push.

        Returns:
            Where the commits are now, in words; nothing if there were none.

        Raises:
            UserError: they can be put nowhere.
        """
        for made in ("dvc.lock", "results"):
            if (self._folder / made).exists():
                self._git("add", made)
        self._git("add", "--update")
        if not self._succeeds("diff", "--cached", "--quiet"):
            self._git("commit", "--quiet", "--message", "Built on a borrowed machine")
        told = ""
        if self._git("rev-list", "--count", f"{self._origin}..HEAD") != "0":
            try:
                self._push()
            except GitError as refused:
                return self._bundle(refused)
            told = f"committed and pushed to {self._branch}"
        self._unpushed.unlink(missing_ok=True)
        return told

    def _push(self) -> None:
        push = ("push", "--quiet", "origin", f"HEAD:{self._branch}")
        if not self._succeeds(*push):
            self._git("fetch", "origin")
            self._rebase(self._origin)
            self._git(*push)

    def _bundle(self, refused: GitError) -> str:
        ahead = f"{self._origin}..{self._branch}"
        try:
            self._git("bundle", "create", "--quiet", str(self._unpushed), ahead)
        except GitError as error:
            raise UserError(f"{self._unpushed}: cannot be written ({error})") from None
        return (
            f"the repository took no push ({refused}), so the commits are in {self._unpushed}; "
            f"at home: git pull FILE {self._branch}"
        )

    def _rebase(self, *onto: str) -> None:
        try:
            self._git("rebase", "--quiet", "--autostash", *onto)
        except GitError:
            self._succeeds("rebase", "--abort")
            raise

    def _succeeds(self, *arguments: str) -> bool:
        try:
            self._git(*arguments)
        except GitError:
            return False
        return True

    def _git(self, *arguments: str) -> str:
        """Run git and return its output.

        Raises:
            GitError: it failed.
        """
        done = subprocess.run(
            ["git", *arguments],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return done.stdout.strip()
        lines = done.stderr.strip().splitlines()
        telling = [line for line in lines if line.startswith(("fatal:", "error:", " ! "))]
        raise GitError((telling or lines or ["no reason told"])[0].strip())
