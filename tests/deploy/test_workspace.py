"""Every layout in a workspace with the limit of Modal's Starter plan, deployed with Modal's own CLI."""

import asyncio

import pytest

from core.deploy.layout import (
    SMALLER,
    STARTER_ENDPOINTS,
    Layout,
    count_functions,
    describe_workspace,
    explain_refusal,
)
from tests.support.deploys import ENDPOINTS, Deploy
from tests.support.environment import ROOT
from tests.support.fakemodal_more import Plane

SECONDS = 400
APPS = {name: f"thunder-backend-{name}" for name in ("staging", "next")} | {"production": "thunder-backend"}
STOP = "stop one that you don't need (`modal app stop NAME`)"
ONE_FITS = f"set MODAL_LAYOUT=one (1). Or look at the other apps: {STOP}"
TWO_FIT = f"set MODAL_LAYOUT=grouped (4) or MODAL_LAYOUT=one (1). Or look at the other apps: {STOP}"
NONE_FITS = f"no layout fits. The other apps must have 1 fewer web functions: {STOP}, or deploy one with a smaller"


def name_variables(environment: str, layout: str) -> dict[str, str]:
    secret = "thunder-db" if environment == "production" else f"thunder-db-{environment}"
    # Modal's command line breaks its errors at the width of the terminal.
    return {"MODAL_APP_NAME": APPS[environment], "MODAL_SECRET_NAME": secret, "MODAL_LAYOUT": layout, "COLUMNS": "80"}


@pytest.mark.parametrize(("layout", "count"), SMALLER.items())
def test_the_remedies_name_the_size_of_a_layout(deploy: Deploy, layout: Layout, count: int) -> None:
    web = [one for one in deploy(MODAL_LAYOUT=layout).functions.values() if "schedule" not in one]
    assert len(web) == count


def test_the_starter_plan_accepts_what_fits_and_each_refusal_has_a_remedy_that_fits() -> None:
    """Each line is a deploy, with the web functions of the other apps, and the remedy if Modal refuses it."""
    deploys = [
        ("staging", "one", 1, 0, ""),
        ("production", "", 4, 1, ""),
        ("production", "each", len(ENDPOINTS), 1, TWO_FIT),
        ("next", "grouped", 4, 5, ONE_FITS),
        ("staging", "grouped", 4, 4, ""),
        ("next", "one", 1, 8, NONE_FITS),
    ]

    async def run() -> None:
        unused = {"DATABASE_URL": "postgresql://unused"}
        secrets = {"thunder-db": unused, "thunder-db-staging": unused, "thunder-db-next": unused}
        async with asyncio.timeout(SECONDS), Plane(secrets=secrets, web_endpoint_cap=STARTER_ENDPOINTS) as modal:
            for environment, layout, own, others, remedy in deploys:
                variables = name_variables(environment, layout)
                status, output = await modal.cli("deploy", "deploy.py", cwd=str(ROOT), env=variables, check=False)
                assert status == (1 if remedy else 0), output
                before, _, refusal = output.partition("reached limit of")
                assert f"the layout {layout or 'grouped'} registers {count_functions(own)} (" in before, output
                assert f"Other apps of the workspace have {count_functions(others)} (" in before, output
                assert (f"{others + own} of 8" in before) == (remedy == ""), output
                assert remedy in before, output
                assert bool(refusal) == bool(remedy), output
                assert remedy in (explain_refusal(output) or ""), output
            online = {name: modal.count_web(app) for (_, name), app in modal.deployed.items()}
            assert online == {APPS["staging"]: 4, APPS["production"]: 4}

    asyncio.run(run())


def test_other_errors_of_modal_are_not_explained() -> None:
    assert explain_refusal("Secret 'thunder-db' not found in environment 'main'") is None


def test_the_comparison_names_the_other_apps() -> None:
    sentence = describe_workspace({"web": 3, "jobs": 0, "other": 2}, 4)
    assert sentence.startswith("Other apps of the workspace have 5 web functions (web: 3, other: 2); with this one, 9.")
