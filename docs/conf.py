"""How Sphinx makes the guide: `sphinx-build -W docs build/guide`."""

project = "fakeflowdock"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
default_role = "literal"  # what stands in single backquotes in a docstring is code
html_theme = "furo"
html_title = "fakeflowdock"
root_doc = "guide/index"
smartquotes = False  # two hyphens begin an option
html_show_copyright = False
exclude_patterns = ["build"]
myst_heading_anchors = 3
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "description"
suppress_warnings = [
    "myst.xref_missing",  # links that lead to files outside the guide; that they lead somewhere is tested
    "misc.highlighting_failure",  # the requests of the contract are no whole HTTP
]
