"""Histories out of other people's files: studies, trackers, tables, public benchmarks."""
