"""Faults at every call of every request, and what CloudFormation does after them: `make faults`."""
