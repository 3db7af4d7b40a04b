"""Other people's frameworks: their programs as our tasks, our optimizers as theirs.

Lives here: one package per framework; importing this one imports none of them.
Never here: anything that `opto.search`, `opto.llm` or `opto.trace` needs; they know nothing of it.
"""
