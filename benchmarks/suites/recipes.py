"""The recipes of the suites."""

from tlx import Recipe

DEFAULT = Recipe(name="default")
QUICK = Recipe(name="quick", lr=0.01, weight_decay=0.001, batch=32, steps=400, rounds=5)
SMOKE = Recipe(name="smoke", lr=0.05, batch=16, steps=6, rounds=2)
