"""What `make` needs besides the project itself."""
