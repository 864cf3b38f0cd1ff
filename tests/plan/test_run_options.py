"""What the command line tells every check."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from certify.cli.run_options import run_options
from certify.model.decision import PreviousCertificate
from certify.model.outcome import Verdict
from certify.profile.find import bundled_profiles_dir
from certify.profile.model import Profile


def test_profiles_lie_beside_the_profile_and_where_certify_ships_them(tmp_path: Path):
    folders = run_options(Profile("own", folder=str(tmp_path)))["profiles"].split("\n")
    assert folders == [str(tmp_path), str(bundled_profiles_dir())]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_only_a_certificate_that_was_granted_is_a_previous_one(tmp_path: Path, verdict: Verdict):
    granted = PreviousCertificate("run", Verdict.CERTIFIED, "", {})
    options = run_options(Profile("own"), previous=replace(granted, verdict=verdict), folder=tmp_path)
    assert ("previous" in options) == (verdict in {Verdict.CERTIFIED, Verdict.CERTIFIED_WITH_WAIVERS})


def test_advisories_are_told_where_given(tmp_path: Path):
    assert "advisories" not in run_options(Profile("own"))
    assert run_options(Profile("own"), advisories=tmp_path)["advisories"] == str(tmp_path)
