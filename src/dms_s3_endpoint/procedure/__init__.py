"""What is done: observe what stands, plan, provision or deprovision. Calls AWS only through `aws`."""
