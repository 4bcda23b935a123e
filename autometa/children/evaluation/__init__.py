"""How a config is judged: folds, metrics, held-out predictions, limits of time and memory."""
