"""Running an evaluation: a data set, a model, a pipeline, and a log that survives everything."""
