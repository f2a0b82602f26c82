"""A hospital's registry: the specification that says what stands where in it, and reading it."""
