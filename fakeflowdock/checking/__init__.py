"""Contract checks of any traffic: requests, responses, recordings and other servers."""
