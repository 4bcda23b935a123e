"""Public training runs of networks as histories: what suites are made of, and the priors."""
