"""The examples of each package as fixtures."""

from __future__ import annotations

import pytest

from tests.examples.packages import fetch, resources_in


@pytest.fixture(scope="session")
def mcode() -> dict[str, dict]:
    """The examples of mCODE by file name."""
    return resources_in(fetch("hl7.fhir.us.mcode") / "example")


@pytest.fixture(scope="session")
def r4_examples() -> dict[str, dict]:
    """The examples of FHIR R4 by file name."""
    return resources_in(fetch("hl7.fhir.r4.examples"))
