"""What things are: plain values and pure functions. No AWS call, no clock."""
