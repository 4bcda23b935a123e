"""Learned inner learning rates: suites whose results are `autometa.bench.record_file`s."""
