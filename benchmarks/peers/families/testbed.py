"""The shared test-bed as a module.

Lives here: loading it.
Never here: what is in it.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any


@lru_cache(maxsize=4)
def load(path: Path) -> Any:
    """The test-bed as a module.

    Raises:
        FileNotFoundError: It is not there.
    """
    spec = importlib.util.spec_from_file_location("optimizer_testbed", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"{path} is not there; name it with --script.")
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules["optimizer_testbed"] = module
    spec.loader.exec_module(module)
    return module
