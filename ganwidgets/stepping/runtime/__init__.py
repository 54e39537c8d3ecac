"""Where and how torch computes: device, threads, global modes, random generators."""
