"""Run the command line as `python -m rawtone`."""

import sys

from rawtone.cli import main

sys.exit(main())
