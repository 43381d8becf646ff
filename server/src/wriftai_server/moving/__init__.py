"""Taking a whole hub elsewhere: backups, what is restored from them, and copies from database to database."""
