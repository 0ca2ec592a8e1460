"""What only serves development: faults, benchmarks, checks of templates and code, and locked requirements."""
