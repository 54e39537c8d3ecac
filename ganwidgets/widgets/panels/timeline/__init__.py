"""The timeline panel: the slider over iterations and the tree of branches."""
