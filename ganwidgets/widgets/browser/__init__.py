"""What every view shares in the browser: heartbeat, scripts, styles, colors."""
