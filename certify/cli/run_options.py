"""What the command line tells every check, beside the options of the profile."""

from pathlib import Path

from certify.model.decision import PreviousCertificate
from certify.model.outcome import Verdict
from certify.profile.find import bundled_profiles_dir
from certify.profile.model import Profile

_CERTIFIED = frozenset({Verdict.CERTIFIED, Verdict.CERTIFIED_WITH_WAIVERS})


def run_options(
    profile: Profile,
    *,
    advisories: Path | None = None,
    previous: PreviousCertificate | None = None,
    folder: Path | None = None,
) -> dict[str, str]:
    """`profiles`: folders, a line each, that paths in a profile may be relative to; `advisories`: a folder, where given.

    `previous`: the `folder` of the previous certificate, where there is one that was granted.
    """
    folders = dict.fromkeys((str(Path(profile.folder).absolute()), str(bundled_profiles_dir().absolute())))
    options = {"profiles": "\n".join(folders)}
    if advisories:
        options["advisories"] = str(advisories.absolute())
    if previous and folder and previous.verdict in _CERTIFIED:
        options["previous"] = str(folder.absolute())
    return options
