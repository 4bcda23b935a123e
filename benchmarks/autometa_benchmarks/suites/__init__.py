"""The suites; `autometa_benchmarks.collection` has their names."""
