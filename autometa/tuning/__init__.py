"""A table and a time become a model: the race of the families, its sessions and results."""
