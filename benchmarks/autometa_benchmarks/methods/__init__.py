"""Other people's methods; `autometa_benchmarks.collection` lists them."""
