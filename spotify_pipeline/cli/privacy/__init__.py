"""Commands for a person's request: forget, explain, erasures, digest."""
