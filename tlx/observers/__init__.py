"""What watches a run: the progress bar, a plugin of the hooks of a run."""
