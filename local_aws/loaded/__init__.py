"""On the PATH of commands that name `sam` by its name: a `sam` that asks the process that has loaded it."""
