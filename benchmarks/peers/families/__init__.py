"""Families C to F of the optimizer test-bed, and tours: tasks, kernels, a meter, adapters.

Every family is a task with a known best score and a fake model with a published kernel: it reads
the prompt that a framework really wrote, finds the present values, the hints and the history in it,
and answers in that framework's format. Noise is a hash of what is measured, so it is the same for
everybody, in every order, with any number of workers. Nothing calls a model.

Lives here: the families.
Never here: our algorithms, opinions.
"""
