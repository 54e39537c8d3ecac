"""Torch's environment of a run: device, threads, global modes, random generators."""
