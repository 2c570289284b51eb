"""What `serve --demo` fills an empty shop with."""
