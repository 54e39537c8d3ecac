"""The training thread: its queue of commands, its status, and the runner that owns it."""
