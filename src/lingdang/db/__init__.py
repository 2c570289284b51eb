"""The database: the embedded server, the pool, migrations, and gathering many calls into one."""
