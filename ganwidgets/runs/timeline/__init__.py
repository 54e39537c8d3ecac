"""Time travel, branching, and views of branches."""
