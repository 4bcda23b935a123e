"""Searches for several objectives at once: hypervolume that is missing after so many trials."""
