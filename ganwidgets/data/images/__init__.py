"""Images: presets, folders of pictures, their sizes, and the range of their values."""
