"""The names, the commit and the key file of `make deploy`. tests/docs/test_operations.py runs the command."""

import os
import subprocess
from pathlib import Path

import pytest

from core.deploy.commit import Commit, find_commit
from core.deploy.names import Deployment
from core.deploy.rollout import RolloutError, name_deployment
from core.local.secrets import open_new_file

APP = "thunder-backend-staging"


def test_the_names_of_an_environment_follow_the_convention() -> None:
    assert name_deployment("production") == Deployment("thunder-backend", "thunder-db")
    assert name_deployment("staging") == Deployment(APP, "thunder-db-staging")
    with pytest.raises(RolloutError, match="reserved"):
        name_deployment("chores")
    for bad in ("", "Staging", "a b", "-x", "ünder", "../x"):
        with pytest.raises(RolloutError, match="lower-case"):
            name_deployment(bad)


def test_the_commit_of_a_checkout_is_found(tmp_path: Path) -> None:
    assert find_commit(tmp_path) is None
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a"}

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(tmp_path), *arguments]
        return subprocess.run(
            command, env={**os.environ, **identity}, check=True, capture_output=True, text=True
        ).stdout

    git("init", "--quiet")
    assert find_commit(tmp_path) is None, "there is no commit yet"
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "--quiet", "--message", "first")
    sha = git("rev-parse", "HEAD").strip()
    assert find_commit(tmp_path) == Commit(sha)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "ä b").write_text("1")
    changed = find_commit(tmp_path)
    assert (changed, changed and changed.tag) == (Commit(sha, ("folder/ä b",)), f"{sha[:12]}-dirty")
    (tmp_path / "file").write_text("2")
    (tmp_path / ".gitignore").write_text("folder\n")
    assert find_commit(tmp_path) == Commit(sha, ("file", ".gitignore")), "a deploy does not warn about ignored files"
    assert find_commit(tmp_path / "folder") is None, "a folder of another repository"


def test_a_failed_call_leaves_no_file_for_the_key(tmp_path: Path) -> None:
    file = tmp_path / "admin-key"
    with pytest.raises(ZeroDivisionError), open_new_file(file):
        1 / 0  # noqa: B018 - fails
    assert not file.exists()
