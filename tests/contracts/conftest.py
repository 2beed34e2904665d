"""Odoos for the contract of the ERP: the stand-in as 17.0 and as 19.0, and a real one where the environment names it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from erp_places import Cutter, Place, live_place, prepare

from edi_server.erp.sandbox import Sandbox


@pytest.fixture(scope="session", params=["sandbox-17.0", "sandbox-19.0", pytest.param("live", marks=pytest.mark.live)])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "live":
        yield live_place()
        return
    with Sandbox(version=request.param.removeprefix("sandbox-")) as sandbox:
        yield prepare(sandbox.session(), sandbox.url, sandbox)


@pytest.fixture
def cutter(place: Place) -> Iterator[Cutter]:
    made = Cutter(place.url)
    threading.Thread(target=made.serve, daemon=True).start()
    yield made
    made.close()
