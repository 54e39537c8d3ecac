"""Many runs at once: lanes of equal shape computed together, and sweeps over settings made of them."""
