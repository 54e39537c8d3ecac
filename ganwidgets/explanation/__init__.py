"""One update of the past, carried out again and looked at closely."""
