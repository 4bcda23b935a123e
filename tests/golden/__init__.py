"""Golden files: what fits, starts and whole searches gave, to the last bit; see `cases`."""
