"""Print what this project supports, at the oldest versions that pyproject.toml admits, for `pip install`."""

import re
import tomllib

with open("pyproject.toml", "rb") as file:
    pyproject = tomllib.load(file)
project, supported = pyproject["project"], pyproject["tool"]["fakeflowdock"]
names = {*supported["clients"], *supported["mocks"]}
tested_with = [each for each in project["optional-dependencies"]["test"] if each.split(">=")[0] in names]
print(*(re.sub(">=", "==", requirement) for requirement in project["dependencies"] + tested_with))
