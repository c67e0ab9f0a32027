"""One request to one reply: routing, callers, parameters, handlers, responses, journal and faults."""
