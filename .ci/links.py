"""Print a page of links to the files of a `pylock.toml`, which is read from standard input, for `pip --find-links`."""

import sys
import tomllib

for package in tomllib.load(sys.stdin.buffer)["packages"]:
    for file in package.get("wheels") or [package["sdist"]]:
        name = file.get("name") or file["url"].rpartition("/")[2]
        print(f'<a href="{file["url"]}#sha256={file["hashes"]["sha256"]}">{name}</a>')
