"""The projects of tests/workflow, for these tests too."""

import importlib.util
import sys
from pathlib import Path

_spec = importlib.util.spec_from_file_location(
    "conftest_of_workflow", Path(__file__).parents[1] / "workflow/conftest.py"
)
_workflow = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _workflow  # where its dataclass looks itself up
_spec.loader.exec_module(_workflow)

real = _workflow.real
