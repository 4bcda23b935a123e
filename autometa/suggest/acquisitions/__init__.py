"""Acquisitions, one a file: each holds a constant of the kind `acquisition.Acquisition`."""
