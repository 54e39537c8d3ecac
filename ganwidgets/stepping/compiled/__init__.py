"""A full step as one compiled function, for one run and for several runs of equal shape."""
