"""Trained models: loaded from what a run saved, applied to new rows, exported. Importing this does not import JAX."""
