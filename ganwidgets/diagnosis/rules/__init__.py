"""Rules: conditions on a run, the changes that they make, and the autopilot that applies them."""
