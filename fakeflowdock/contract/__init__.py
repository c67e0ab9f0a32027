"""What Flowdock's docs say: schemas, validation, findings, errors and grades."""
