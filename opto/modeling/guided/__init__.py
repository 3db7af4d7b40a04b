"""Formulating with a small model: tiny constrained answers, and rules of language around them.

Lives here: the stages, and the rules that read the text and narrow what a model may answer.
Never here: providers of models, solving, showing results.
"""
