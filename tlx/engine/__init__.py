"""From objectives to trained seeds: groups, step, phases, programs, runs."""
