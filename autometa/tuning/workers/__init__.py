"""Several processes that share one search, and what becomes of the trials of a dead one."""
