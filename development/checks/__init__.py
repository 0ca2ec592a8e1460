"""What templates, policies, code and the zip are checked by in `make lint`, beside ruff, mypy and cfn-lint."""
