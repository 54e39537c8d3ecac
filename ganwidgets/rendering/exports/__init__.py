"""Files of a whole run: pictures, animations, pages, tables, generators."""
