"""`make faults`: inject each fault at each call of each request, play CloudFormation, and check what is left."""
