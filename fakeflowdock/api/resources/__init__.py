"""One file per page: the operations of that page."""
