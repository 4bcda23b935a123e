"""For tests of autometa and of what is built on it; the package itself never imports this."""
