"""The panel for points that the user draws, pastes or loads."""
