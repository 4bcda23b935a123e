"""What the mother learns: the basis, the prior of heads, kernels, similarity, rates, catalogue."""
