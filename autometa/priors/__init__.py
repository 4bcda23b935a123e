"""From whatever somebody has, a name, a folder, a study, a portfolio, to a prior for one space."""
