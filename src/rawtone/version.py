"""Which rawtone this is; clips say it in their tags."""

VERSION = "0.1.0"
