"""Going back and forth in a run, branching, and what can be seen of other branches."""
