"""Families as priors of objectives that users write: their libraries' names, their own spaces."""
