"""Recorded traffic: read from HAR files and cassettes, held against the docs, played again, reported, written."""
