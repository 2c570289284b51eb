"""Who asks: sessions, passwords, platform tokens, API keys."""
