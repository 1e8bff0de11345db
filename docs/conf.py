"""The documentation site: Sphinx, Furo and MyST. `make docs` builds it; a warning is an error."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import generate  # noqa: E402

import tlx  # noqa: E402

project = "tlx"
author = "the authors of tlx"
version = release = tlx.__version__
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "tlx"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_search_summary = False  # a page that is opened from a file may not fetch another
nitpicky = True
exclude_patterns = ["_build", "generated/parts"]
# A table of results opens with its title, whatever the level at which the next heading stands.
suppress_warnings = ["myst.header"]

generate.write(HERE / "generated")
