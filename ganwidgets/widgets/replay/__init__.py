"""A recorded run in any browser, without a kernel."""
