"""Many runs at once in a notebook: a grid of live miniatures."""
