"""scikit-learn's side: a search with cross-validation, refitted models, ensembles."""
