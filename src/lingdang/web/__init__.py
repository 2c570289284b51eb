"""The shop front: static pages that use the JavaScript SDK like anybody else, and the readers' texts."""
