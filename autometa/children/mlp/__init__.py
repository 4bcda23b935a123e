"""The perceptron: its training, its estimator, and the starts that it can learn."""
