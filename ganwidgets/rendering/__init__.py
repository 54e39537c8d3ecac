"""What a run looks like, as pictures, films and pages for which nobody needs a kernel."""
