"""The resolutions of networks that grow."""
