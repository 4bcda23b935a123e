"""What the mother learns from: targets, noise, early values and curves of earlier trials."""
