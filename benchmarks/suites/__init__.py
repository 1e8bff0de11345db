"""The suites and recipes that come with tlx. Each suite is a file that documents itself."""

from tlx import hookimpl


@hookimpl
def tlx_suites(register):
    register("quick", "tlx_suites.quick:SUITE")
    register("smoke", "tlx_suites.smoke:SUITE")


@hookimpl
def tlx_recipes(register):
    register("default", "tlx_suites.recipes:DEFAULT", "SGD with Nesterov momentum, annealed as for DANN.")
    register("quick", "tlx_suites.recipes:QUICK", "Short training of a small net on digits, for two CPU cores.")
    register("smoke", "tlx_suites.recipes:SMOKE", "A few steps, to see that all parts work together.")
