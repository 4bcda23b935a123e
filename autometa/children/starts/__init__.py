"""What the perceptron starts from: weights and rates learned on other tables, a probed rate."""
