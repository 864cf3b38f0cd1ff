"""Turns the errors that a user can mend into one clear message and an exit code."""

import sys
from collections.abc import Callable

from certify.cli.load_options import LoadTokenError
from certify.draft.model import OutputFileError
from certify.drivers.compose.command import ComposeFileError
from certify.drivers.interface import EnvironmentUnusableError
from certify.drivers.select import DriverError
from certify.engine.plan import PlanError
from certify.engine.registry import RegistryError
from certify.engine.workspace import OutputFolderError
from certify.model.escape import terminal
from certify.model.exit_codes import ExitCode
from certify.profile.problem import ProfileError
from certify.seal.errors import KeyFileError, SealError

_USAGE = (
    ProfileError,
    ComposeFileError,
    DriverError,
    PlanError,
    RegistryError,
    OutputFolderError,
    OutputFileError,
    LoadTokenError,
)


def told(action: Callable[[], int]) -> int:
    """Do `action` and give its exit code; a known error is told on standard error, everything else is a bug and goes on."""
    try:
        return action()
    except _USAGE as error:
        return _tell(error, ExitCode.USAGE)
    except EnvironmentUnusableError as error:
        return _tell(error, ExitCode.ENVIRONMENT)
    except (KeyFileError, SealError) as error:
        return _tell(error, ExitCode.REFUSED)


def _tell(error: Exception, code: ExitCode) -> ExitCode:
    for line in str(error).splitlines():
        sys.stderr.write(f"certify: {terminal(line)}\n")
    return code
