"""A virtual environment for each peer, so that its dependencies never meet ours.

Lives here: making them, once, in the user's cache.
Never here: measuring.
"""

from __future__ import annotations

import os
import subprocess
import sys

from opto.llm.store import cache_folder


def python_with(*requirements: str) -> str:
    """The interpreter of an environment with these packages, installed when first asked for.

    Raises:
        RuntimeError: pip could not install them; its last lines are in the message.
    """
    name = "_".join(part.replace("==", "-") for part in requirements)
    folder = cache_folder("peers") / f"{name}-py{sys.version_info.major}{sys.version_info.minor}"
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)  # noqa: S603
        done = subprocess.run(  # noqa: S603
            [str(python), "-m", "pip", "install", "--quiet", *requirements],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"pip install {' '.join(requirements)}:\n{done.stderr[-2000:]}")
        ready.touch()
    return str(python)


def bare_environment() -> dict[str, str]:
    """The environment without what points Python at our packages or keeps it from caching code."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "VIRTUAL_ENV"}
    }
