"""The Optuna side: the sampler, tuning of a table, and the way back into a portfolio."""
