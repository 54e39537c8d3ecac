"""The resolutions of growing networks."""
