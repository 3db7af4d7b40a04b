"""Does the solver bridge give known answers? Sets of models whose optima others computed.

Lives here: one module per set and the command that runs them (`python -m benchmarks.conformance`).
Never here: data (it is given by path, licences forbid shipping it), language models.
"""
