"""Suite `automl`: what a table and a time become, beside what people use today."""
