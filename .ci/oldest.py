"""Print the run-time dependencies of pyproject.toml at the oldest versions that it admits, for `pip install`."""

import re
import tomllib

with open("pyproject.toml", "rb") as file:
    project = tomllib.load(file)["project"]
print(*(re.sub(">=", "==", requirement) for requirement in project["dependencies"]))
