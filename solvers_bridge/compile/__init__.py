"""From the IR to arrays: `compile_model`.

Lives here: reading sets, numbers and expressions for all keys at once, with numpy.
Never here: solvers, files, the exact evaluator this package is judged by.
"""

from solvers_bridge.compile.model import compile_model

__all__ = ["compile_model"]
