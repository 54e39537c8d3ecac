"""The kernel side of a view: displays, messages, subshells."""
