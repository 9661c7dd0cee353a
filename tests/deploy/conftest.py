"""deploy.py, imported with a recording Modal."""

import runpy
import sys
from unittest.mock import MagicMock

import pytest
from pytest_mock import MockerFixture

from tests.support.deploys import Deploy, Registered
from tests.support.environment import ROOT


@pytest.fixture
def deploy(mocker: MockerFixture, monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """Run deploy.py as `modal deploy` does: `deploy(MODAL_APP_NAME=…)`. The layout is `each` unless given."""

    def run(
        modal: MagicMock | None = None, *, command: str = "deploy", target: str = "deploy.py", **environment: str
    ) -> Registered:
        for name, value in {"MODAL_LAYOUT": "each", **environment}.items():
            monkeypatch.setenv(name, value)
        modal, image = modal or mocker.MagicMock(), mocker.MagicMock()
        modal.Image.debian_slim.return_value = image
        for step in ("pip_install_from_requirements", "add_local_python_source", "add_local_dir"):
            getattr(image, step).return_value = image
        modal.reset_mock()
        monkeypatch.setitem(sys.modules, "modal", modal)
        monkeypatch.setattr(sys, "argv", ["modal", command, target])
        runpy.run_path(str(ROOT / "deploy.py"))
        return Registered(modal, image)

    return run
