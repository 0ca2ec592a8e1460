"""What pipelines run beside `sam`; docs/pipelines.md."""
