"""Suite `cash`: which pairs of family and config come first, by what prior tables say."""
