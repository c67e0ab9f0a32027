"""The data of a world, and the rules that do not depend on HTTP."""
