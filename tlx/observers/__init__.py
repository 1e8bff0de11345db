"""What watches a run: the progress bar and event files, plugins of the hooks of a run."""
