"""Anybody's traffic held against the contract: requests, replies, recordings and other servers."""
