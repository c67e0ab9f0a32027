"""A world and its traffic, frozen in one HTML file: the inspector without a server."""
