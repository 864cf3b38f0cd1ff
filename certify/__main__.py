"""`python -m certify` is the command `certify`."""

import sys

from certify.cli.main import main

sys.exit(main())
