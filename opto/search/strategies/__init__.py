"""The seven cheap decisions of a search, each a small frozen class without memory.

State comes in, so resuming needs no pickle; see `opto.search.spec.Spec` for how they fit together.
"""
