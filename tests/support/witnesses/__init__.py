"""What Flowdock's own documents say, as facts: read from the documents where they are at hand."""
